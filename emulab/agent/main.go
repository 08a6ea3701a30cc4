// The agent of emulab: it starts, watches and measures programs on a machine for a host elsewhere.
//
//	emulab-agent hold [SOCKET [SECONDS]]   PID 1 of a container, for as long as somebody serves
//	emulab-agent serve [SOCKET]            serves one host on standard input and output
//	emulab-agent binfmt …                  lists, holds or removes entries of the kernel's binary formats
//
// As PID 1 under the name /init it sets a guest up and serves on the virtio port org.emulab.agent.
package main

import (
	"os"
	"strconv"
	"time"
)

const usageText = "usage: emulab-agent hold [SOCKET [SECONDS]] | serve [SOCKET] | binfmt list|hold|remove …"

func main() {
	if os.Getpid() == 1 && os.Args[0] == "/init" { // the kernel may have added arguments
		guestInit()
	}
	mode, socket, patience := "", defaultHolder, defaultPatience
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if len(os.Args) > 2 {
		socket = os.Args[2]
	}
	if len(os.Args) > 3 && mode == "hold" {
		seconds, err := strconv.Atoi(os.Args[3])
		if err != nil || seconds < 1 {
			mode = ""
		}
		patience = time.Duration(seconds) * time.Second
	}
	switch mode {
	case "hold":
		os.Exit(hold(socket, patience))
	case "serve":
		os.Exit(serveStandard(socket))
	case "binfmt":
		os.Exit(runBinfmt(os.Args[2:]))
	}
	complain(usageText)
	os.Exit(2)
}
