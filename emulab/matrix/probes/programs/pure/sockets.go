package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("dial-listen", dialListen)
	_ = verdict.Probe("ipv6", ipv6)
	_ = verdict.Probe("bind-to-device", bindToDevice)
	_ = verdict.Probe("reuseport", reusePort)
	_ = verdict.Probe("netlink", netlink)
	_ = verdict.Probe("raw-sockets", rawSockets)
)

const soReusePort = 15

// echoed sends a message to a listener of this program and back.
func echoed(network, address string) (net.Addr, error) {
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	go func() {
		if from, err := listener.Accept(); err == nil {
			io.Copy(from, from)
			from.Close()
		}
	}()
	client, err := net.DialTimeout(network, listener.Addr().String(), patience)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(patience))
	message := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	go client.Write(message)
	got := make([]byte, len(message))
	if _, err := io.ReadFull(client, got); err != nil {
		return nil, err
	}
	if !bytes.Equal(got, message) {
		return nil, errors.New("what came back is not what was sent")
	}
	return listener.Addr(), nil
}

func dialListen() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:0", "unix": filepath.Join(directory, "socket"),
	} {
		if _, err := echoed(network, address); err != nil {
			return "", fmt.Errorf("%s: %w", network, err)
		}
	}
	one, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("udp4: %w", err)
	}
	defer one.Close()
	one.SetDeadline(time.Now().Add(patience))
	if _, err := one.WriteTo([]byte("datagram"), one.LocalAddr()); err != nil {
		return "", fmt.Errorf("udp4: %w", err)
	}
	got := make([]byte, 64)
	n, _, err := one.ReadFrom(got)
	if err != nil || string(got[:n]) != "datagram" {
		return "", fmt.Errorf("udp4: got %q, %v", got[:n], err)
	}
	// A port where nobody listens must be refused at once, not time out.
	gone, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	gone.Close()
	if _, err := net.DialTimeout("tcp4", gone.Addr().String(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
		return "", fmt.Errorf("a port where nobody listens: got %v, want that it is refused", err)
	}
	return "TCP, UDP and Unix sockets carry what is sent", nil
}

func ipv6() (string, error) {
	if off, _ := os.ReadFile("/proc/sys/net/ipv6/conf/lo/disable_ipv6"); strings.TrimSpace(string(off)) == "1" {
		return "", verdict.Unsupported("IPv6 is turned off in this network namespace (lo/disable_ipv6 is 1)")
	}
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		return "", verdict.Missing("the kernel has no IPv6: %v", err)
	}
	address, err := echoed("tcp6", "[::1]:0")
	if err != nil {
		return "", err
	}
	both, err := net.Listen("tcp", ":0")
	if err != nil {
		return "", err
	}
	defer both.Close()
	port := both.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "::1"} {
		client, err := net.DialTimeout("tcp", net.JoinHostPort(host, fmt.Sprint(port)), patience)
		if err != nil {
			return "", fmt.Errorf("a listener for both families, at %s: %w", host, err)
		}
		client.Close()
	}
	return fmt.Sprintf("%v carries what is sent; one listener serves both families", address), nil
}

// bound dials a listener of this program by a device.
func bound(device, address string) error {
	var failure error
	dialer := net.Dialer{Timeout: patience, Control: func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) {
			failure = syscall.SetsockoptString(int(fd), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, device)
		})
		return errors.Join(err, failure)
	}}
	client, err := dialer.Dial("tcp4", address)
	if err != nil {
		return err
	}
	return client.Close()
}

func bindToDevice() (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	if err := bound("lo", listener.Addr().String()); err != nil {
		return "", fmt.Errorf("bound to lo: %w", err)
	}
	if err := bound("no-such0", listener.Addr().String()); !errors.Is(err, syscall.ENODEV) {
		return "", fmt.Errorf("bound to a device that is not there: got %v, want %v", err, syscall.ENODEV)
	}
	return "a socket bound to lo connects, one bound to no device is refused", nil
}

func reusePort() (string, error) {
	sharing := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failure error
		err := raw.Control(func(fd uintptr) {
			failure = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1)
		})
		return errors.Join(err, failure)
	}}
	first, err := sharing.Listen(nil, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer first.Close()
	address := first.Addr().String()
	second, err := sharing.Listen(nil, "tcp4", address)
	if err != nil {
		return "", fmt.Errorf("a second listener: %w", err)
	}
	defer second.Close()
	if third, err := net.Listen("tcp4", address); err == nil {
		third.Close()
		return "", errors.New("a listener that does not share got the port as well")
	}
	came := make(chan int)
	for index, each := range []net.Listener{first, second} {
		go func() {
			for {
				client, err := each.Accept()
				if err != nil {
					return
				}
				client.Close()
				came <- index
			}
		}()
	}
	// The kernel spreads connections by their ports' hash: after so many both have had one.
	var counts [2]int
	for range 200 {
		client, err := net.DialTimeout("tcp4", address, patience)
		if err != nil {
			return "", err
		}
		client.Close()
		select {
		case index := <-came:
			counts[index]++
		case <-time.After(patience):
			return "", errors.New("a connection reached neither listener")
		}
		if counts[0] > 0 && counts[1] > 0 {
			return fmt.Sprintf("two listeners share a port; %d and %d connections reached them", counts[0], counts[1]), nil
		}
	}
	return "", fmt.Errorf("all of 200 connections reached one of two listeners: %v", counts)
}

func netlink() (string, error) {
	if _, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC); err != nil {
		return "", verdict.Call("RTM_GETLINK", err)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	names := []string{}
	for _, each := range interfaces {
		names = append(names, each.Name)
		if each.Flags&net.FlagLoopback == 0 {
			continue
		}
		addresses, err := each.Addrs()
		if err != nil {
			return "", fmt.Errorf("the addresses of %s: %w", each.Name, err)
		}
		if !strings.Contains(fmt.Sprint(addresses), "127.0.0.1/8") {
			return "", fmt.Errorf("%s has %v, want 127.0.0.1/8 among them", each.Name, addresses)
		}
	}
	if !strings.Contains(strings.Join(names, " "), "lo") {
		return "", fmt.Errorf("the kernel told of the interfaces %v, want lo among them", names)
	}
	return fmt.Sprintf("the kernel told of %s", strings.Join(names, ", ")), nil
}

// rawSockets pings this machine, which tells whether the kernel takes ICMP from a program and hands it back.
func rawSockets() (string, error) {
	if err := needs(capNetRaw); err != nil {
		return "", err
	}
	socket, err := net.ListenPacket("ip4:icmp", "127.0.0.1")
	if err != nil {
		return "", err
	}
	defer socket.Close()
	socket.SetDeadline(time.Now().Add(patience))
	request := []byte{8, 0, 0, 0, 0x45, 0x6d, 0, 1, 'e', 'm', 'u', 'l', 'a', 'b'}
	sum := uint32(0)
	for at := 0; at < len(request); at += 2 {
		sum += uint32(request[at])<<8 | uint32(request[at+1])
	}
	sum = ^(sum>>16 + sum&0xffff)
	request[2], request[3] = byte(sum>>8), byte(sum)
	if _, err := socket.WriteTo(request, &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return "", err
	}
	got := make([]byte, 256)
	for {
		n, _, err := socket.ReadFrom(got)
		if err != nil {
			return "", fmt.Errorf("no echo came: %w", err)
		}
		if got[0] == 0 && bytes.Equal(got[4:n], request[4:]) {
			return "an ICMP echo request was answered", nil
		}
	}
}
