package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"org.emulab/probes/verdict"
)

var _ = verdict.Probe("resolve-go", resolveGo)

// resolveGo asks Go's own resolver for a name of the hosts' file, and for one that a name server on this
// machine knows.
func resolveGo() (string, error) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer server.Close()
	go serveNames(server)
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	local, err := resolver.LookupHost(ctx, "localhost")
	if err != nil {
		return "", fmt.Errorf("localhost: %w", err)
	}
	found, err := resolver.LookupHost(ctx, "board.emulab.test.")
	if err != nil {
		return "", fmt.Errorf("board.emulab.test, by a name server on this machine: %w", err)
	}
	if err := expect("board.emulab.test", fmt.Sprint(found), "[192.0.2.7]"); err != nil {
		return "", err
	}
	_, err = resolver.LookupHost(ctx, "nowhere.emulab.test.")
	var not *net.DNSError
	if !errors.As(err, &not) || !not.IsNotFound {
		return "", fmt.Errorf("a name that is not there: got %v, want that it is not found", err)
	}
	return fmt.Sprintf("localhost is %v; a name server's answer came through", local), nil
}

// serveNames answers for board.emulab.test, and says that no other name is there.
func serveNames(server net.PacketConn) {
	packet := make([]byte, 512)
	for {
		n, from, err := server.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := answerTo(packet[:n]); answer != nil {
			server.WriteTo(answer, from)
		}
	}
}

func answerTo(query []byte) []byte {
	const header = 12
	name, at := "", header
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		if end > len(query) {
			return nil
		}
		name += string(query[at+1:end]) + "."
		at = end
	}
	end := at + 5
	if end > len(query) {
		return nil
	}
	isAddress := query[at+1] == 0 && query[at+2] == 1
	known := name == "board.emulab.test."
	answer := append([]byte{}, query[:2]...)
	code, answers := byte(0), byte(0)
	if !known {
		code = 3
	} else if isAddress {
		answers = 1
	}
	answer = append(answer, 0x81, 0x80|code, 0, 1, 0, answers, 0, 0, 0, 0)
	answer = append(answer, query[header:end]...)
	if answers == 1 {
		answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
	}
	return answer
}
