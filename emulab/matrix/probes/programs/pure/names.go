package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("location", location)
	_ = verdict.Probe("user", users)
	_ = verdict.Probe("hostname", hostname)
	_ = verdict.Probe("formatting", formatting)

	_ = verdict.Child("format", format)
)

func location() (string, error) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return "", verdict.Missing("the root filesystem has no time zones: %v", err)
	}
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).In(berlin)
	winter := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).In(berlin)
	if summer.Hour() != 14 || winter.Hour() != 13 {
		return "", fmt.Errorf("noon UTC is %v and %v in Berlin", summer, winter)
	}
	return "Europe/Berlin has its summer and winter time", nil
}

func users() (string, error) {
	root, err := user.Lookup("root")
	if err != nil {
		return "", err
	}
	if err := expect("root's user id", root.Uid, "0"); err != nil {
		return "", err
	}
	current, err := user.Current()
	if err != nil {
		return "", err
	}
	if err := expect("this user's id", current.Uid, strconv.Itoa(os.Getuid())); err != nil {
		return "", err
	}
	group, err := user.LookupGroupId("0")
	if err != nil {
		return "", err
	}
	var unknown user.UnknownUserError
	if _, err := user.Lookup("no-such-user"); !errors.As(err, &unknown) {
		return "", fmt.Errorf("a user who is not there: got %v", err)
	}
	return fmt.Sprintf("this is %s; group 0 is %s", current.Username, group.Name), nil
}

func hostname() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	var facts syscall.Utsname
	if err := syscall.Uname(&facts); err != nil {
		return "", err
	}
	kernels := strings.Builder{}
	for _, each := range facts.Nodename {
		if each == 0 {
			break
		}
		kernels.WriteByte(byte(each))
	}
	if name == "" {
		return "", errors.New("it is empty")
	}
	return fmt.Sprintf("it is %s", name), expect("os.Hostname and uname", name, kernels.String())
}

// formatting has another process print under a locale with other separators and another order of letters.
func formatting() (string, error) {
	const want = "1234.5 1e+06 Monday March ÄÖI [Z a Ä] 1234.5"
	for _, locale := range []string{"de_DE.UTF-8", "tr_TR.UTF-8"} {
		command := verdict.Play("format")
		command.Env = append(os.Environ(), "LANG="+locale, "LC_ALL="+locale)
		said, err := verdict.Run(command)
		if err != nil {
			return "", err
		}
		if err := expect("under "+locale, strings.TrimSpace(said), want); err != nil {
			return "", err
		}
	}
	return "numbers, dates and letters are the same under a German and a Turkish locale", nil
}

func format([]string) error {
	value, err := strconv.ParseFloat("1234.5", 64)
	if err != nil {
		return err
	}
	words := []string{"a", "Ä", "Z"}
	sort.Strings(words)
	date := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Format("Monday January")
	fmt.Printf("%v %v %s %s %v %s\n", value, 1e6, date, strings.ToUpper("äöi"), words,
		strconv.FormatFloat(value, 'f', 1, 64))
	return nil
}
