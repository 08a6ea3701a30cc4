// The agent of emulab: it starts, watches and measures programs on a machine for a host elsewhere.
//
//	emulab-agent serve      serves one host on standard input and output, until the input ends
//	emulab-agent binfmt …   lists, holds or removes entries of the kernel's table of binary formats
//
// As PID 1 under the name /init it sets a guest up and serves on the virtio port org.emulab.agent.
package main

import "os"

const usageText = "usage: emulab-agent serve | binfmt list|hold|remove …"

func main() {
	if os.Getpid() == 1 && os.Args[0] == "/init" { // the kernel may have added arguments
		guestInit()
	}
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "serve":
		os.Exit(serveStandard())
	case "binfmt":
		os.Exit(runBinfmt(os.Args[2:]))
	}
	complain(usageText)
	os.Exit(2)
}
