package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// put writes a file beside its place and moves it there when all of it has come.
func put(x *exchange, in *fields) (reply, *failure) {
	path := in.text("path")
	mode := in.integer("mode", 0o644)
	size := in.integer("size", -1)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	path = strings.TrimRight(path, "/")
	if slash := strings.LastIndexByte(path, '/'); slash > 0 {
		if err := os.MkdirAll(path[:slash], 0o755); err != nil {
			return reply{}, failed(err, path[:slash])
		}
	}
	part := path + ".emulab-" + strconv.FormatUint(uint64(x.id), 10)
	written, err := x.receiveFile(part, os.FileMode(mode&0o7777))
	if err == nil && size >= 0 && written != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = syscall.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
		if err == io.ErrUnexpectedEOF {
			return reply{}, &failure{code: "incomplete", path: path, message: path + ": " +
				strconv.FormatInt(written, 10) + " of " + strconv.FormatInt(size, 10) + " bytes came"}
		}
		return reply{}, failed(err, path)
	}
	return reply{document: newObject().integer("size", written).done()}, nil
}

func (x *exchange) receiveFile(path string, mode os.FileMode) (int64, error) {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_CLOEXEC, uint32(mode))
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)
	var written int64
	for {
		b, err := x.receive()
		if err == io.EOF {
			return written, syscall.Fchmod(fd, uint32(mode)) // the umask must not matter
		}
		if err != nil {
			return written, err
		}
		n, err := writeAll(fd, b)
		written += int64(n)
		x.consumed(b)
		if err != nil {
			return written, err
		}
	}
}

func writeAll(fd int, b []byte) (int, error) {
	for done := 0; ; {
		n, err := syscall.Write(fd, b[done:])
		if n > 0 {
			done += n
		}
		if done == len(b) || (err != nil && err != syscall.EINTR) {
			return done, err
		}
	}
}

// get sends a file on channel 0. A file of /proc has no size beforehand: the answer has the true one.
func get(x *exchange, in *fields) (reply, *failure) {
	path := in.text("path")
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return reply{}, failed(err, path)
	}
	defer syscall.Close(fd)
	var facts syscall.Stat_t
	if err := syscall.Fstat(fd, &facts); err != nil {
		return reply{}, failed(err, path)
	}
	buffer := x.session.agent.chunks.take(x.session.agent.chunk)
	defer x.session.agent.chunks.give(buffer)
	var size int64
	for {
		n, err := syscall.Read(fd, buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return reply{}, failed(err, path)
		}
		if n == 0 {
			break
		}
		size += int64(n)
		if err := x.data(0, buffer[:n]); err != nil {
			return reply{}, failed(err, path)
		}
	}
	x.endData(0)
	return reply{document: newObject().integer("size", size).integer("mode", int64(facts.Mode&0o7777)).done()}, nil
}

func kindOf(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return "file"
	case syscall.S_IFDIR:
		return "directory"
	case syscall.S_IFLNK:
		return "link"
	case syscall.S_IFSOCK:
		return "socket"
	}
	return "other"
}

// stat answers the facts about a path itself, not about what it links to.
func stat(_ *exchange, in *fields) (reply, *failure) {
	path := in.text("path")
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	var facts syscall.Stat_t
	err := syscall.Lstat(path, &facts)
	if err == syscall.ENOENT || err == syscall.ENOTDIR {
		return reply{document: newObject().flag("exists", false).done()}, nil
	}
	if err != nil {
		return reply{}, failed(err, path)
	}
	target := ""
	if facts.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		target, _ = os.Readlink(path)
	}
	o := newObject().flag("exists", true).text("kind", kindOf(facts.Mode)).integer("size", facts.Size)
	o.integer("mode", int64(facts.Mode&0o7777)).integer("uid", int64(facts.Uid)).integer("gid", int64(facts.Gid))
	o.integer("modified_ns", facts.Mtim.Nano()).text("target", target)
	return reply{document: o.done()}, nil
}

// listDirectory sends the names in a directory on channel 0, a zero byte after each.
func listDirectory(x *exchange, in *fields) (reply, *failure) {
	path := in.text("path")
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return reply{}, failed(err, path)
	}
	var b []byte
	for _, e := range entries {
		b = append(append(b, e.Name()...), 0)
	}
	x.data(0, b)
	x.endData(0)
	return reply{document: newObject().integer("count", int64(len(entries))).done()}, nil
}

// remove removes a file, or a directory with all that is in it; what is not there is removed already.
func remove(_ *exchange, in *fields) (reply, *failure) {
	path := in.text("path")
	if strings.Trim(path, "/.") == "" {
		in.fail("field path must not be the root")
	}
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if err := os.RemoveAll(path); err != nil {
		return reply{}, failed(err, path)
	}
	return reply{document: []byte("{}")}, nil
}

func makeDirectory(_ *exchange, in *fields) (reply, *failure) {
	path, mode := in.text("path"), in.integer("mode", 0o755)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return reply{}, failed(err, path)
	}
	if err := syscall.Chmod(path, uint32(mode&0o7777)); err != nil {
		return reply{}, failed(err, path)
	}
	return reply{document: []byte("{}")}, nil
}
