package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("tls-clock-1970", tlsClock1970)
	_ = verdict.Probe("year-2038", year2038)
	_ = verdict.Probe("time-64-bit", time64Bit)

	_ = verdict.Child("now", now)
)

type timespec64 struct{ seconds, nanoseconds int64 }

// setClock sets the machine's clock by the system call with 64 bits of time, where there is a choice.
func setClock(to time.Time) error {
	value := &timespec64{to.Unix(), int64(to.Nanosecond())}
	number := uintptr(sysClockSettime64)
	if is64Bit {
		number = syscall.SYS_CLOCK_SETTIME
	}
	_, err := call("clock_settime", number, 0, pointer(value))
	return err
}

const is64Bit = ^uint(0)>>32 != 0

// at runs something under another time, and sets the clock back.
func at(when time.Time, work func() error) error {
	if err := needs(capSysTime); err != nil {
		return err
	}
	before := time.Now()
	if err := setClock(when); err != nil {
		return err
	}
	err := work()
	// What has passed meanwhile is told by the steady clock, which setting does not move.
	if back := setClock(before.Round(0).Add(time.Since(before))); err == nil {
		err = back
	}
	return err
}

// tlsClock1970 shows what a board without a battery does: no certificate is valid yet, until somebody tells
// the time.
func tlsClock1970() (string, error) {
	if err := needs(capSysTime); err != nil {
		return "", err
	}
	rootPEM, certificate, err := authority()
	if err != nil {
		return "", err
	}
	listener, err := serve(certificate)
	if err != nil {
		return "", err
	}
	defer listener.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(rootPEM)
	address := listener.Addr().String()
	if _, err := greeted(address, &tls.Config{RootCAs: roots}); err != nil {
		return "", fmt.Errorf("with the clock as it is: %w", err)
	}
	built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	said := ""
	// The kernel refuses a time that is less than how long it has been up; nobody boots for a day here.
	err = at(time.Unix(24*3600, 0), func() error {
		if year := time.Now().UTC().Year(); year != 1970 {
			return fmt.Errorf("the clock was set to 1970 and says %d", year)
		}
		_, refused := greeted(address, &tls.Config{RootCAs: roots})
		if !isTooEarly(refused) {
			return fmt.Errorf("a certificate since 2020 in 1970: got %v, want that it is not yet valid", refused)
		}
		said = refused.Error()
		own := &tls.Config{RootCAs: roots, Time: func() time.Time { return built }}
		if _, err := greeted(address, own); err != nil {
			return fmt.Errorf("with Config.Time from elsewhere: %w", err)
		}
		return nil
	})
	return fmt.Sprintf("refused in 1970 (%s); with Config.Time from elsewhere it connects", said), err
}

func now([]string) error {
	start := time.Now()
	time.Sleep(10 * time.Millisecond)
	if slept := time.Since(start); slept < 10*time.Millisecond || slept > time.Minute {
		return fmt.Errorf("a sleep of 10ms took %v", slept)
	}
	fmt.Print(time.Now().UTC().Year())
	return nil
}

// year2038 sets the clock beyond what 32 bits hold, and asks a fresh program what year it is.
func year2038() (string, error) {
	said := ""
	err := at(time.Date(2040, 5, 1, 0, 0, 0, 0, time.UTC), func() error {
		if year := time.Now().UTC().Year(); year != 2040 {
			return fmt.Errorf("the clock was set to 2040 and says %d", year)
		}
		var err error
		said, err = verdict.Run(verdict.Play("now"))
		return err
	})
	if err != nil {
		return "", err
	}
	return "with the clock in 2040 a program starts, sleeps and says so", expect("the year", said, "2040")
}

// time64Bit gives a file a time beyond 2038, by Go's own call and by the one with 64 bits of time.
func time64Bit() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	path := filepath.Join(directory, "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return "", err
	}
	when := time.Date(2050, 1, 2, 3, 4, 5, 0, time.UTC)
	if !is64Bit {
		times := &[2]timespec64{{when.Unix(), 0}, {when.Unix(), 0}}
		if _, err := call("utimensat_time64", sysUtimensatTime64, atCwd(), pointer(text(path)), pointer(times)); err != nil {
			return "", err
		}
	} else if err := os.Chtimes(path, when, when); err != nil {
		return "", err
	}
	seen, err := statx(path)
	if err != nil {
		return "", err
	}
	if err := expect("statx's time of a file", seen.modified.seconds, when.Unix()); err != nil {
		return "", err
	}
	facts, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if year := facts.ModTime().UTC().Year(); year != 2050 {
		return "", verdict.Missing("the kernel has a file of 2050, os.Stat is of 32 bits and says %d", year)
	}
	return "a file of 2050 has its time", nil
}
