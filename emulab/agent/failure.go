package main

import (
	"errors"
	"strconv"
	"syscall"
)

// failure is how a request ends when it can not be done. code is stable and made for programs,
// message for people; the other fields may be empty.
type failure struct {
	code    string
	message string
	errno   string
	path    string
	wants   string // what is missing: an interpreter, an architecture
}

func (f *failure) document() []byte {
	o := newObject().text("code", f.code).text("message", f.message)
	o.text("errno", f.errno).text("path", f.path).text("wants", f.wants)
	return o.done()
}

// failed turns an operating system's error into a failure that names the path.
func failed(err error, path string) *failure {
	f := &failure{code: "system", path: path, message: err.Error()}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		f.errno = errnoName(errno)
		f.message = errno.Error()
	}
	if path != "" {
		f.message = path + ": " + f.message
	}
	return f
}

var errnoNames = map[syscall.Errno]string{
	syscall.E2BIG: "E2BIG", syscall.EACCES: "EACCES", syscall.EADDRINUSE: "EADDRINUSE",
	syscall.EAGAIN: "EAGAIN", syscall.EBADF: "EBADF", syscall.EBUSY: "EBUSY",
	syscall.ECONNREFUSED: "ECONNREFUSED", syscall.ECONNRESET: "ECONNRESET", syscall.EEXIST: "EEXIST",
	syscall.EFAULT: "EFAULT", syscall.EFBIG: "EFBIG", syscall.EINVAL: "EINVAL", syscall.EIO: "EIO",
	syscall.EISDIR: "EISDIR", syscall.ELIBBAD: "ELIBBAD", syscall.ELOOP: "ELOOP", syscall.EMFILE: "EMFILE",
	syscall.ENAMETOOLONG: "ENAMETOOLONG", syscall.ENFILE: "ENFILE", syscall.ENODEV: "ENODEV",
	syscall.ENOENT: "ENOENT", syscall.ENOEXEC: "ENOEXEC", syscall.ENOMEM: "ENOMEM", syscall.ENOSPC: "ENOSPC",
	syscall.ENOSYS: "ENOSYS", syscall.ENOTDIR: "ENOTDIR", syscall.ENOTEMPTY: "ENOTEMPTY",
	syscall.ENOTTY: "ENOTTY", syscall.ENXIO: "ENXIO", syscall.EPERM: "EPERM", syscall.EPIPE: "EPIPE",
	syscall.EROFS: "EROFS", syscall.ESRCH: "ESRCH", syscall.ETIMEDOUT: "ETIMEDOUT",
	syscall.ETXTBSY: "ETXTBSY", syscall.EXDEV: "EXDEV",
}

func errnoName(e syscall.Errno) string {
	if name, ok := errnoNames[e]; ok {
		return name
	}
	return "errno " + strconv.Itoa(int(e))
}
