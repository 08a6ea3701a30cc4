package main

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
)

func TestATailKeepsTheLastBytes(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	var whole []byte
	var kept tail
	for i := 0; i < 200; i++ {
		piece := make([]byte, r.Intn(3*tailSize/2))
		r.Read(piece)
		whole = append(whole, piece...)
		kept.write(piece)
		if want := whole[max(0, len(whole)-tailSize):]; !bytes.Equal(kept.last(), want) {
			t.Fatalf("after %d pieces", i+1)
		}
	}
	if kept.count() != int64(len(whole)) || cap(kept.bytes) > 4*tailSize {
		t.Errorf("%d of %d bytes counted, %d held", kept.count(), len(whole), cap(kept.bytes))
	}
}

func TestAWatcherSeesWholeLines(t *testing.T) {
	var lines []string
	kept := tail{watch: func(line []byte) { lines = append(lines, string(line)) }}
	for _, piece := range []string{"one\ntw", "o\n\nthr", "ee"} {
		kept.write([]byte(piece))
	}
	kept.observe(nil)
	kept.write([]byte("\nfour\n"))
	if got := strings.Join(lines, "|"); got != "one|two|" {
		t.Errorf("%q", got)
	}
}
