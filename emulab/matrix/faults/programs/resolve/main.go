// Resolve looks a name up. It brings a name server of its own, where a resolver looks that no file tells otherwise.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

const name = "database.example.com"

func main() {
	within := flag.Duration("within", 0, "how long a look-up may take, 0 for as long as the resolver likes")
	known := flag.String("known", "", "the address that is taken when no answer comes")
	flag.Parse()
	if server, err := net.ListenPacket("udp", "127.0.0.1:53"); err == nil {
		go answer(server)
	}
	ctx := context.Background()
	if *within > 0 {
		limited, cancel := context.WithTimeout(ctx, *within)
		defer cancel()
		ctx = limited
	}
	began := time.Now()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	fmt.Fprintln(os.Stderr, "after", time.Since(began).Round(time.Millisecond))
	switch {
	case err == nil:
		fmt.Println("resolved:", addresses[0])
	case *known != "":
		fmt.Println("not resolved:", err)
		fmt.Println("taken:", *known)
	default:
		fmt.Println("not resolved:", err)
		os.Exit(1)
	}
}

// answer says to every question that the name is 127.0.0.1 (A); what is not asked for is not there.
func answer(server net.PacketConn) {
	packet := make([]byte, 512)
	for {
		n, peer, err := server.ReadFrom(packet)
		if err != nil || n < 12 {
			continue
		}
		end := 12
		for end < n && packet[end] != 0 {
			end += int(packet[end]) + 1
		}
		end += 5
		if end > n {
			continue
		}
		reply := append([]byte{packet[0], packet[1], 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0}, packet[12:end]...)
		if packet[end-3] == 1 { // type A
			reply[7] = 1
			reply = append(reply, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
		}
		server.WriteTo(reply, peer)
	}
}
