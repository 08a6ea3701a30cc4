package service

import (
	"io"
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

func TestKnowsWhatItHasNot(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(nil).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/nail", nil))
	if recorder.Code != http.StatusNotFound {
		t.Fatal(recorder.Code)
	}
}
