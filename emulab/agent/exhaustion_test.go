package main

import "testing"

func TestTheCountOfKillsIsReadFromEveryCounter(t *testing.T) {
	for text, want := range map[string]uint64{
		"low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n": 2,  // cgroup v2
		"oom_kill_disable 0\nunder_oom 0\noom_kill 17\n":               17, // cgroup v1
		"nr_free_pages 5\noom_kill 0\nnuma_hit 1":                      0,  // the whole system's
	} {
		if kills, ok := killsIn([]byte(text)); !ok || kills != want {
			t.Errorf("%q: %d, %v", text, kills, ok)
		}
	}
	for _, text := range []string{"", "oom_kill", "oom_kill many\n", "oom 3\n"} {
		if kills, ok := killsIn([]byte(text)); ok {
			t.Errorf("%q: %d", text, kills)
		}
	}
}
