package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestThisTestIsAProgramForThisMachine(t *testing.T) {
	facts, err := readImage("/proc/self/exe")
	if err != nil || facts.format != "elf" || facts.machine != runtime.GOARCH {
		t.Errorf("%+v, %v", facts, err)
	}
}

func TestScriptsNameTheirInterpreter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	for text, want := range map[string]image{
		"#! /bin/sh -e\nexit": {format: "script", interpreter: "/bin/sh"},
		"#!\n":                {format: "unknown"},
		"":                    {format: "unknown"},
		"text":                {format: "unknown"},
	} {
		os.WriteFile(path, []byte(text), 0o644)
		if got, err := readImage(path); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestLinksAreFollowedInsideTheirRoot(t *testing.T) {
	root := t.TempDir()
	os.MkdirAll(root+"/usr/bin", 0o755)
	os.Symlink("usr/bin", root+"/bin")
	os.Symlink("/usr/bin/busybox", root+"/usr/bin/sh")
	os.Symlink("../../../../etc/passwd", root+"/usr/bin/out")
	os.Symlink("loop", root+"/loop")
	os.WriteFile(root+"/usr/bin/busybox", nil, 0o755)
	for path, want := range map[string]string{
		"/bin/sh":  root + "/usr/bin/busybox",
		"/bin/out": root + "/etc/passwd",
		"/../x":    root + "/x",
	} {
		if got, err := resolve(root, path, "/"); err != nil || got != want {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	if _, err := resolve(root, "/loop", "/"); err == nil {
		t.Error("a loop has an end")
	}
}

func FuzzImages(f *testing.F) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(self[:4096])
	f.Add([]byte("#!/bin/sh\n"))
	path := filepath.Join(f.TempDir(), "image")
	f.Fuzz(func(t *testing.T, content []byte) {
		os.WriteFile(path, content, 0o644)
		if _, err := readImage(path); err != nil {
			t.Error(err)
		}
	})
}
