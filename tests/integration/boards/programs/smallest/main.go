// Program smallest does nothing.
package main

func main() {}
