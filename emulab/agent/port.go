package main

import (
	"io"
	"os"
	"strconv"
	"time"
)

// agentPort is the name that QEMU's command line gives to the port.
const agentPort = "org.emulab.agent"

const portsDirectory = "/sys/class/virtio-ports"

// port is a virtio-serial port. Reading it yields nothing while the host's side is closed.
type port struct {
	*stream
	gone bool
}

// waitForPort opens the port of a name as soon as it is there.
func waitForPort(name string) *port {
	for waited := 0; ; waited++ {
		for _, device := range portDevices() {
			if firstLine(portsDirectory+"/"+device+"/name") != name {
				continue
			}
			file, err := os.OpenFile("/dev/"+device, os.O_RDWR, 0) // the runtime polls it
			if err == nil {
				var s *stream
				if s, err = newStream(file); err == nil {
					return &port{stream: s}
				}
			}
			if waited%1000 == 0 {
				complain("/dev/" + device + " does not open: " + err.Error())
			}
		}
		if waited == 1000 {
			complain("no virtio port is named " + name + "; there are " + strconv.Itoa(len(portDevices())))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func portDevices() []string {
	dir, err := os.Open(portsDirectory)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}

// recheck bounds how long a missed event can keep the agent from seeing a host that came back.
const recheck = 500 * time.Millisecond

// Read waits for the host, however often it goes and comes. The first reading after it went is
// errPeerGone, so that half a frame is not joined to the next host's first one.
func (p *port) Read(b []byte) (int, error) {
	for {
		n, err := p.stream.Read(b)
		switch {
		case n > 0:
			p.gone = false
			return n, nil
		case err != io.EOF && !os.IsTimeout(err):
			return 0, err
		case !p.gone:
			p.gone = true
			return 0, errPeerGone
		}
		// A port without a host reads as ended; the kernel tells the poller when one has come.
		p.file.SetReadDeadline(time.Now().Add(recheck))
		p.awaitEvent()
		p.file.SetReadDeadline(time.Time{})
	}
}

// awaitEvent waits until something happens at the port, or the deadline.
func (p *port) awaitEvent() {
	asked := false
	p.raw.Read(func(uintptr) bool {
		again := asked
		asked = true
		return again
	})
}
