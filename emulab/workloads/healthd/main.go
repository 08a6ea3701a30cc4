// healthd answers health checks over HTTP, each made by one of a fixed pool of goroutines.
//
//	healthd [-addr :8080] [-workers 100]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const shutdownTimeout = 5 * time.Second

func main() {
	address := flag.String("addr", ":8080", "address to listen on")
	workers := flag.Int("workers", 100, "goroutines that make the checks")
	flag.Parse()
	if *workers < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(*address, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "healthd:", err)
		os.Exit(1)
	}
}

// serve answers until SIGTERM or SIGINT, and lets what is under way finish.
func serve(address string, workers int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	pool := newPool(workers)
	defer pool.close()
	server := &http.Server{Addr: address, Handler: newHandler(pool), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(patience); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
