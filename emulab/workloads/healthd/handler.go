package main

import (
	"encoding/json"
	"net/http"
)

// newHandler answers GET and HEAD /health with a check by the pool.
func newHandler(p *pool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		checked, err := p.do(r.Context())
		if err != nil {
			http.Error(w, "the check was given up", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if err := json.NewEncoder(w).Encode(checked); err != nil {
			return // the client went away
		}
	})
	return mux
}
