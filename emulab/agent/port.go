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

const (
	shortestPause = 2 * time.Millisecond
	longestPause  = 10 * time.Millisecond
)

// Read waits for the host, however often it goes and comes. The first reading after it went is
// errPeerGone, so that half a frame is not joined to the next host's first one.
func (p *port) Read(b []byte) (int, error) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		n, err := p.stream.Read(b)
		switch {
		case n > 0:
			p.gone = false
			return n, nil
		case err != nil && err != io.EOF:
			return 0, err
		case !p.gone:
			p.gone = true
			return 0, errPeerGone
		}
		time.Sleep(pause)
	}
}
