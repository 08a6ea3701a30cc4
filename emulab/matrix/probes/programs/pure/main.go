// Command pure holds the probes: each tests one capability of a machine and says what it saw.
package main

import "org.emulab/probes/verdict"

func main() { verdict.Main() }
