// Package service answers how many there are of a part.
package service

import (
	"fmt"
	"net/http"

	"example.com/inventory/store"
)

// Handler answers GET /NAME with a count.
func Handler(parts store.Parts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count, found := parts[r.URL.Path[1:]]
		if !found {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintln(w, count)
	})
}
