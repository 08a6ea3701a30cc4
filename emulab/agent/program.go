package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
)

// image is what a program file says about itself.
type image struct {
	format      string // elf, script or unknown
	machine     string
	bits        int64
	interpreter string // the ELF interpreter, or that of a script
}

var machines = map[uint16]string{
	0x03: "386", 0x08: "mips", 0x15: "ppc64", 0x16: "s390x", 0x28: "arm", 0x3E: "amd64", 0xB7: "arm64",
	0xF3: "riscv64", 0x102: "loong64",
}

// readImage reads the ELF header and PT_INTERP, or the first line of a script.
func readImage(path string) (image, error) {
	file, err := os.Open(path)
	if err != nil {
		return image{}, err
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, err := file.ReadAt(head, 0)
	if n == 0 && err != nil {
		return image{format: "unknown"}, nil
	}
	head = head[:n]
	if strings.HasPrefix(string(head), "#!") {
		line, _, _ := strings.Cut(string(head[2:]), "\n")
		words := strings.Fields(line)
		if len(words) == 0 {
			return image{format: "unknown"}, nil
		}
		return image{format: "script", interpreter: words[0]}, nil
	}
	if n < 64 || string(head[:4]) != "\x7fELF" {
		return image{format: "unknown"}, nil
	}
	return readELF(file, head), nil
}

// readELF reads a little-endian program; all architectures of emulab are.
func readELF(file *os.File, head []byte) image {
	facts := image{format: "elf", bits: 32, machine: machines[get16(head[18:])]}
	if head[5] != 1 {
		facts.machine = "a big-endian machine"
		return facts
	}
	var at int64
	var size, count int
	if head[4] == 2 {
		facts.bits = 64
		at, size, count = int64(get64(head[32:])), int(get16(head[54:])), int(get16(head[56:]))
	} else {
		at, size, count = int64(get32(head[28:])), int(get16(head[42:])), int(get16(head[44:]))
		if facts.machine == "riscv64" {
			facts.machine = "riscv32"
		}
	}
	if size < 32 || size > 256 {
		return facts
	}
	h := make([]byte, size)
	for i := 0; i < count && i < 256; i++ {
		if _, err := file.ReadAt(h, at+int64(i*size)); err != nil {
			break
		}
		const interpreter = 3 // PT_INTERP
		if get32(h) == interpreter {
			facts.interpreter = segmentText(file, h, facts.bits)
			break
		}
	}
	return facts
}

// segmentText reads the zero-terminated text that a program header points to.
func segmentText(file *os.File, h []byte, bits int64) string {
	var from, length int64
	switch {
	case bits == 64 && len(h) >= 56:
		from, length = int64(get64(h[8:])), int64(get64(h[32:]))
	case bits == 32:
		from, length = int64(get32(h[4:])), int64(get32(h[16:]))
	}
	if length < 2 || length > 4096 {
		return ""
	}
	name := make([]byte, length-1)
	if _, err := file.ReadAt(name, from); err != nil {
		return ""
	}
	return string(name)
}

// diagnose says why a program could not be executed.
func (c *command) diagnose(path string, err error) *failure {
	f := failed(err, path)
	f.code = "exec"
	if c.cwd != "" {
		if info, problem := os.Stat(c.root + c.cwd); problem != nil || !info.IsDir() {
			return &failure{code: "exec", errno: "ENOENT", path: c.cwd,
				message: "the working directory " + c.cwd + " is no directory"}
		}
	}
	file, _ := resolve(c.root, path, c.cwd)
	facts, problem := readImage(file)
	if problem != nil {
		return f
	}
	switch {
	case err == syscall.ENOENT && facts.interpreter != "":
		f.wants = facts.interpreter
		f.message = path + " needs the interpreter " + facts.interpreter + ", which is not there"
	case err == syscall.ENOEXEC && facts.format == "elf":
		f.wants = runtime.GOARCH
		f.message = path + " is a program for " + orUnknown(facts.machine) + ", and this is " + runtime.GOARCH
	case err == syscall.ENOEXEC:
		f.message = path + " is neither an ELF program nor a script with an interpreter line"
	case err == syscall.EACCES:
		f.message = path + " is not executable"
	}
	return f
}

func orUnknown(machine string) string {
	if machine == "" {
		return "an unknown machine"
	}
	return machine
}

// resolve returns the host's path of a file below root, following symbolic links as a program that is
// chrooted there would.
func resolve(root, path, cwd string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		path = cwd + "/" + path
	}
	if root == "" || root == "/" {
		return path, nil
	}
	done, todo := "", strings.Split(path, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = done[:max(strings.LastIndexByte(done, '/'), 0)]
			continue
		}
		target, err := os.Readlink(root + done + "/" + part)
		if err != nil {
			done += "/" + part
			continue
		}
		if links++; links > 40 {
			return "", syscall.ELOOP
		}
		if strings.HasPrefix(target, "/") {
			done = ""
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return root + done, nil
}

// program answers what a program file says about itself, and whether its interpreter is there.
func program(_ *exchange, in *fields) (reply, *failure) {
	path, root := in.text("path"), in.optionalText("root", "")
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	file, err := resolve(root, path, "/")
	if err != nil {
		return reply{}, failed(err, path)
	}
	facts, err := readImage(file)
	if err != nil {
		return reply{}, failed(err, path)
	}
	there := false
	if facts.interpreter != "" {
		if name, err := resolve(root, facts.interpreter, "/"); err == nil {
			_, err = os.Stat(name)
			there = err == nil
		}
	}
	o := newObject().text("format", facts.format).text("machine", facts.machine).integer("bits", facts.bits)
	o.text("interpreter", facts.interpreter).flag("interpreter_found", there)
	return reply{document: o.done()}, nil
}
