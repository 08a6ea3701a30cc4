package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestHealthAnswersWithACheckOfThePool(t *testing.T) {
	p := newPool(3)
	defer p.close()
	recorder := httptest.NewRecorder()
	newHandler(p).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/health", nil))
	var got report
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, payloadSize)
	for i := 0; i < len(payload); i += 8 {
		payload[i] = 1 // the first check
	}
	sum := sha256.Sum256(payload)
	if recorder.Code != http.StatusOK || got.Status != "ok" || got.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("status %d, %+v", recorder.Code, got)
	}
	if got.Goroutines < 4 || got.Checks != 1 {
		t.Errorf("%d goroutines, %d checks", got.Goroutines, got.Checks)
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	p := newPool(1)
	defer p.close()
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/", 404}, {"POST", "/health", 405}, {"HEAD", "/health", 200}} {
		recorder := httptest.NewRecorder()
		newHandler(p).ServeHTTP(recorder, httptest.NewRequest(c.method, c.path, nil))
		if recorder.Code != c.status {
			t.Errorf("%s %s: %d", c.method, c.path, recorder.Code)
		}
	}
}

func TestEveryCheckIsMadeOnceUnderContention(t *testing.T) {
	p := newPool(4)
	var wait sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for i := 0; i < 200; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			got, err := p.do(context.Background())
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[got.Checks] {
				t.Errorf("check %d: %v", got.Checks, err)
			}
			seen[got.Checks] = true
		}()
	}
	wait.Wait()
	p.close()
	if len(seen) != 200 {
		t.Errorf("%d checks", len(seen))
	}
}

func TestACheckIsGivenUpWithItsRequest(t *testing.T) {
	p := newPool(1)
	defer p.close()
	blocked := make(chan report)
	p.queue <- blocked // the only worker waits for a reader
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.do(ctx); err == nil {
		t.Error("a busy pool answered")
	}
	<-blocked
}
