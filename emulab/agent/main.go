// The agent of emulab: it starts, watches and measures programs on a machine for a host elsewhere.
//
//	emulab-agent serve      serves one host on standard input and output, until the input ends
//	emulab-agent binfmt …   lists, holds or removes entries of the kernel's table of binary formats
//
// As PID 1 under the name /init it sets a guest up and serves on the virtio port org.emulab.agent.
package main

import "os"

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch {
	case os.Getpid() == 1 && os.Args[0] == "/init": // the kernel may have added arguments
		guestInit()
	case mode == "binfmt":
		os.Exit(runBinfmt(os.Args[2:]))
	case mode == "serve":
		os.Exit(serveStandard())
	}
	complain("usage: emulab-agent serve | binfmt …")
	os.Exit(2)
}
