package main

import (
	standard64 "encoding/base64"
	"encoding/json"
	"testing"
)

// perform performs a plan as a guest would and returns the lines.
func perform(t *testing.T, plan string) []map[string]any {
	t.Helper()
	a := newAgent(true)
	defer a.processes.killAll()
	var lines []map[string]any
	for _, text := range a.performAll([]byte(plan)) {
		line := map[string]any{}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestABatchRefersToEarlierPrograms(t *testing.T) {
	lines := perform(t, `{"requests": [
		{"op": "run", "argv": ["sh", "-c", "echo out; echo err >&2; exit 3"], "stdin": true},
		{"op": "spawn", "argv": ["sh", "-c", "echo up; sleep 60"], "ready": {"url": "log:up"}},
		{"op": "memory", "pid": {"of": 1}},
		{"op": "stop", "pid": {"of": 1}}]}`)
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	answer := lines[0]["answer"].(map[string]any)
	out, _ := standard64.StdEncoding.DecodeString(lines[0]["data1"].(string))
	diagnostics, _ := standard64.StdEncoding.DecodeString(lines[0]["data2"].(string))
	if answer["exit"] != 3.0 || string(out) != "out\n" || string(diagnostics) != "err\n" {
		t.Errorf("%v", lines[0])
	}
	if lines[2]["answer"].(map[string]any)["pid"] != lines[1]["answer"].(map[string]any)["pid"] {
		t.Errorf("%v", lines[2])
	}
	tail, _ := standard64.StdEncoding.DecodeString(lines[3]["payload"].(string))
	if lines[3]["answer"].(map[string]any)["signal"] != "SIGTERM" || string(tail) != "up\n" {
		t.Errorf("%v", lines[3])
	}
}

func TestAFailureInABatchIsALineAndTheRestGoesOn(t *testing.T) {
	lines := perform(t, `{"requests": [
		{"op": "run", "argv": ["/nonexistent"]},
		{"op": "stop", "pid": {"of": 0}},
		"nothing",
		{"op": "run", "argv": ["true"]}]}`)
	for i, want := range []string{"exec", "bad-request", "bad-request", ""} {
		failure, _ := lines[i]["failure"].(map[string]any)
		if (failure == nil) != (want == "") || failure != nil && failure["code"] != want {
			t.Errorf("line %d: %v", i, lines[i])
		}
	}
}

func TestWhatIsNoBatchIsSaid(t *testing.T) {
	for _, plan := range []string{"", "[]", `{"requests": 1}`, `{"requests": [], "more": 1}`} {
		lines := perform(t, plan)
		if len(lines) != 1 || lines[0]["failure"] == nil {
			t.Errorf("%q: %v", plan, lines)
		}
	}
}
