// The agent of emulab: it starts, watches and measures programs on a machine for a host elsewhere.
//
//	emulab-agent hold [SOCKET]    PID 1 of a container, for as long as somebody serves
//	emulab-agent serve [SOCKET]   serves one host on standard input and output
//
// As PID 1 under the name /init it sets a guest up and serves on the virtio port org.emulab.agent.
package main

import "os"

func main() {
	mode, socket := "", defaultHolder
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if len(os.Args) > 2 {
		socket = os.Args[2]
	}
	switch {
	case mode == "hold":
		os.Exit(hold(socket))
	case mode == "serve":
		os.Exit(serveStandard(socket))
	}
	complain("usage: emulab-agent hold|serve [SOCKET]")
	os.Exit(2)
}
