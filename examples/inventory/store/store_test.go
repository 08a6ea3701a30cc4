package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestReadsTheModulesFile(t *testing.T) {
	file, err := os.Open("../testdata/parts.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parts, err := Read(file)
	if err != nil || parts["washer"] != 120 {
		t.Fatalf("%v, %v", parts, err)
	}
}

func TestIsWhereItsSourceIs(t *testing.T) {
	_, source, _, _ := runtime.Caller(0)
	if _, err := os.Stat(source); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsSavedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parts.csv")
	before := Parts{"bolt": 2, "nut": 3}
	if err := before.Save(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if after, err := Read(file); err != nil || !reflect.DeepEqual(before, after) {
		t.Fatalf("%v, %v", after, err)
	}
}

func TestIsSortedAsAnotherProgramSorts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parts.csv")
	if err := (Parts{"c": 1, "a": 1, "b": 1}).Save(path); err != nil {
		t.Fatal(err)
	}
	mine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := exec.Command("sort", path).CombinedOutput()
	if err != nil || string(mine) != string(theirs) {
		t.Fatalf("%q, %q, %v", mine, theirs, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("bolt,3\n")
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := Read(strings.NewReader(text))
		for name := range parts {
			if err == nil && name == "" {
				t.Fatal("a part without a name")
			}
		}
	})
}
