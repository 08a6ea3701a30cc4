package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("mount", mount)
	_ = verdict.Probe("mount-unprivileged", mountUnprivileged)
	_ = verdict.Probe("namespaces", namespaces)
	_ = verdict.Probe("namespaces-unprivileged", namespacesUnprivileged)

	_ = verdict.Child("mount", mountThere)
	_ = verdict.Child("mount-refused", mountRefused)
	_ = verdict.Child("within-namespaces", withinNamespaces)
)

func mount() (string, error) { return mounted("mount") }

func mountThere(arguments []string) error {
	directory := arguments[0]
	if err := privately(); err != nil {
		return err
	}
	if err := syscall.Mount("none", directory, "tmpfs", 0, ""); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(directory, "inside"), nil, 0o600); err != nil {
		return err
	}
	again := filepath.Join(filepath.Dir(directory), filepath.Base(directory)+"-again")
	if err := os.Mkdir(again, 0o700); err != nil {
		return err
	}
	defer os.Remove(again)
	if err := syscall.Mount(directory, again, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("a bind mount: %w", err)
	}
	if _, err := os.Stat(filepath.Join(again, "inside")); err != nil {
		return fmt.Errorf("a bind mount shows something else: %w", err)
	}
	for _, each := range []string{again, directory} {
		if err := syscall.Unmount(each, 0); err != nil {
			return fmt.Errorf("unmounting: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(directory, "inside")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("after unmounting a file is still there: %v", err)
	}
	fmt.Println("a tmpfs and a bind mount came and went")
	return nil
}

// mountUnprivileged wants a refusal: a program without the capability must see EPERM, and nothing else.
func mountUnprivileged() (string, error) {
	if err := needs(capSetuid); err != nil {
		return "", err
	}
	command := verdict.Play("mount-refused")
	command.SysProcAttr = asNobody()
	return reported(command)
}

func mountRefused([]string) error {
	if err := syscall.Mount("none", "/tmp", "tmpfs", 0, ""); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("mounting as nobody: got %v, want %v", err, syscall.EPERM)
	}
	if err := syscall.Sethostname([]byte("other")); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("naming the host as nobody: got %v, want %v", err, syscall.EPERM)
	}
	fmt.Println("mounting and naming the host are refused as EPERM")
	return nil
}

const allNamespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC |
	syscall.CLONE_NEWNET

func namespaces() (string, error) {
	if err := needs(capSysAdmin); err != nil {
		return "", err
	}
	command := verdict.Play("within-namespaces")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: allNamespaces}
	said, err := reported(command)
	if err != nil {
		return "", err
	}
	name, err := os.Hostname()
	if err == nil && name == "inside" {
		err = errors.New("a name that was given in a namespace got out")
	}
	return said, err
}

func withinNamespaces([]string) error {
	if pid := os.Getpid(); pid != 1 {
		return fmt.Errorf("in a new process namespace this is process %d, want 1", pid)
	}
	if err := syscall.Sethostname([]byte("inside")); err != nil {
		return fmt.Errorf("naming the host: %w", err)
	}
	if name, err := os.Hostname(); err != nil || name != "inside" {
		return fmt.Errorf("the host is called %q, %v", name, err)
	}
	interfaces, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseNetlinkMessage(interfaces)
	if err != nil {
		return err
	}
	for _, message := range messages {
		if message.Header.Type == syscall.RTM_NEWLINK && strings.Contains(string(message.Data), "eth0") {
			return errors.New("the network of outside is seen")
		}
	}
	fmt.Println("it is process 1 with a host's name, mounts and a network of its own")
	return nil
}

// namespacesUnprivileged has nobody make a user namespace, as rootless containers do.
func namespacesUnprivileged() (string, error) {
	if os.Getenv(ownMachine) == "" {
		return "", verdict.Unsupported("the container's own confinement refuses namespaces, whatever the kernel does")
	}
	command := verdict.Play("within-namespaces")
	command.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 0, Gid: 0},
		Cloneflags:  allNamespaces | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
	}
	said, err := reported(command)
	if errors.Is(err, syscall.EINVAL) {
		return "", verdict.Missing("the kernel has no user namespaces: %v", err)
	}
	if isRefused(err) {
		return "", verdict.Missing("the kernel lets nobody but root make user namespaces: %v", err)
	}
	return said, err
}
