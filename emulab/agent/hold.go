package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// defaultHolder is the socket on which hold counts who serves.
const defaultHolder = "/run/emulab-agent.sock"

const defaultPatience = 30 * time.Second

// hold keeps a container alive as its PID 1 while somebody serves in it. The kernel kills all other
// processes of the container when it ends.
//
// patience is how long it waits for the first one.
func hold(path string, patience time.Duration) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	arrivals := make(chan int)
	if err := listen(path, arrivals); err != nil {
		complain("no socket " + path + ": " + err.Error())
		return 1
	}
	departures := make(chan struct{})
	expiry := time.After(patience)
	attached := 0
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGCHLD {
				return 0
			}
			reapOrphans()
		case fd := <-arrivals:
			attached++
			expiry = nil
			go func() {
				untilClosed(fd)
				departures <- struct{}{}
			}()
		case <-departures:
			if attached--; attached == 0 {
				return 0
			}
		case <-expiry:
			complain("nobody came to serve")
			return 1
		}
	}
}

func listen(path string, arrivals chan<- int) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	os.Remove(path)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if err := syscall.Listen(fd, 8); err != nil {
		return err
	}
	go func() {
		for {
			connection, _, err := syscall.Accept4(fd, syscall.SOCK_CLOEXEC)
			if err == nil {
				arrivals <- connection
			} else if err != syscall.EINTR && err != syscall.ECONNABORTED {
				return
			}
		}
	}()
	return nil
}

// untilClosed waits for the other end to go, whichever way it goes.
func untilClosed(fd int) {
	var b [16]byte
	for {
		n, err := syscall.Read(fd, b[:])
		if n == 0 || (err != nil && err != syscall.EINTR) {
			syscall.Close(fd)
			return
		}
	}
}

func reapOrphans() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 || err != nil {
			return
		}
	}
}

// attach tells hold that somebody serves, until this process ends. Without a holder, on a machine that
// is no container of ours, it does nothing.
func attach(path string) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	for attempt := 0; ; attempt++ {
		err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		if err == nil {
			return
		}
		// hold may have begun a moment ago
		if os.Getpid() == 1 || err != syscall.ENOENT && err != syscall.ECONNREFUSED || !held() || attempt == 500 {
			syscall.Close(fd)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// held says whether PID 1 is an agent that holds.
func held() bool {
	line, err := os.ReadFile("/proc/1/cmdline")
	if err != nil {
		return false
	}
	words := 0
	for i, c := range line {
		if c == 0 {
			words++
			if words == 2 {
				return i >= 4 && string(line[i-4:i]) == "hold"
			}
		}
	}
	return false
}
