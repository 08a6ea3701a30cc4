package main

import (
	"os"
	"syscall"
	"time"
)

// mountBasics mounts what every Linux program expects. What this kernel lacks stays away.
func mountBasics() {
	for _, m := range [...]struct {
		kind, path, options string
		flags               uintptr
	}{
		{"proc", "/proc", "", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
		{"sysfs", "/sys", "", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
		{"devtmpfs", "/dev", "mode=0755", syscall.MS_NOSUID},
		{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666", syscall.MS_NOSUID | syscall.MS_NOEXEC},
		{"tmpfs", "/dev/shm", "mode=1777", syscall.MS_NOSUID | syscall.MS_NODEV},
		{"tmpfs", "/run", "mode=0755", syscall.MS_NOSUID | syscall.MS_NODEV},
		{"tmpfs", "/tmp", "mode=1777", syscall.MS_NOSUID | syscall.MS_NODEV},
		{"cgroup2", "/sys/fs/cgroup", "", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
	} {
		os.MkdirAll(m.path, 0o755)
		err := syscall.Mount(m.kind, m.path, m.kind, m.flags, m.options)
		if err != nil && err != syscall.EBUSY && err != syscall.ENODEV && err != syscall.ENOENT {
			complain(m.path + " could not be mounted: " + err.Error())
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		os.Symlink(target, "/dev/"+name)
	}
}

// rootKinds are the filesystems that a root disk may have.
var rootKinds = [...]string{"squashfs", "erofs", "ext4"}

const (
	lowerDirectory = "/.emulab-lower"
	upperDirectory = "/.emulab-upper"
	newRoot        = "/newroot"
)

// switchRoot makes a read-only disk, under a layer of memory that takes the changes, the root of this
// and all later processes.
func switchRoot(device string) *failure {
	if problem := mountDisk(device, lowerDirectory); problem != nil {
		return problem
	}
	if err := mountAt("tmpfs", upperDirectory, "tmpfs", 0, "mode=0755"); err != nil {
		return failed(err, upperDirectory)
	}
	for _, name := range [...]string{"/data", "/scratch"} {
		if err := os.Mkdir(upperDirectory+name, 0o755); err != nil {
			return failed(err, upperDirectory+name)
		}
	}
	layers := "lowerdir=" + lowerDirectory + ",upperdir=" + upperDirectory + "/data,workdir=" + upperDirectory + "/scratch"
	if err := mountAt("overlay", newRoot, "overlay", 0, layers); err != nil {
		return failed(err, "overlay")
	}
	for _, path := range [...]string{"/proc", "/sys", "/dev", "/run", "/tmp"} {
		os.MkdirAll(newRoot+path, 0o755)
		if err := syscall.Mount(path, newRoot+path, "", syscall.MS_MOVE, ""); err != nil {
			return failed(err, newRoot+path)
		}
	}
	if err := syscall.Chdir(newRoot); err != nil {
		return failed(err, newRoot)
	}
	if err := syscall.Mount(".", "/", "", syscall.MS_MOVE, ""); err != nil {
		return failed(err, "/")
	}
	if err := syscall.Chroot("."); err != nil {
		return failed(err, newRoot)
	}
	return nil
}

func mountAt(source, path, kind string, flags uintptr, options string) error {
	os.MkdirAll(path, 0o755)
	return syscall.Mount(source, path, kind, flags, options)
}

// mountDisk mounts a disk that may need a moment to appear.
func mountDisk(device, path string) *failure {
	for attempt := 0; attempt < 1000; attempt++ {
		if _, err := os.Stat(device); err == nil {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	var err error
	for _, kind := range rootKinds {
		if err = mountAt(device, path, kind, syscall.MS_RDONLY|syscall.MS_NODEV, ""); err == nil {
			return nil
		}
		if err == syscall.ENOENT || err == syscall.EIO {
			break
		}
	}
	return failed(err, device)
}
