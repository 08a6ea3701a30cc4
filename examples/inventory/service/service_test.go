package service

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"example.com/inventory/store"
)

func TestAnswersManyAtOnce(t *testing.T) {
	server := httptest.NewServer(Handler(store.Parts{"bolt": 40}))
	defer server.Close()
	var all sync.WaitGroup
	for range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			answer, err := http.Get(server.URL + "/bolt")
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if text, _ := io.ReadAll(answer.Body); string(text) != "40\n" {
				t.Errorf("%q", text)
			}
		}()
	}
	all.Wait()
}

func TestIsFoundByName(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: Handler(store.Parts{"nut": 2})}
	defer server.Close()
	go server.Serve(listener)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	answer, err := http.Get("http://localhost:" + port + "/nut")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "2\n" {
		t.Fatalf("%q", text)
	}
}

func TestKnowsWhatItHasNot(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(nil).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/nail", nil))
	if recorder.Code != http.StatusNotFound {
		t.Fatal(recorder.Code)
	}
}
