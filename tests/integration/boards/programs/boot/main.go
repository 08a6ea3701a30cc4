// Program boot is the first process of a machine: it runs /probe, and then switches the machine off.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	syscall.Mount("proc", "/proc", "proc", 0, "")
	probe := exec.Command("/probe")
	probe.Stdin = os.Stdin // not /dev/null, since there is no device here
	output, err := probe.CombinedOutput()
	fmt.Printf("PROBE %s", output)
	if err != nil {
		fmt.Println("PROBE", err)
	}
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
