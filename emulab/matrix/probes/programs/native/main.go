// Command native holds what probes ask of C code: its resolver, and calls from C into Go.

//go:debug netdns=cgo
package main

/*
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

extern int counted(int);

static void *elsewhere(void *value) {
	int *number = value;
	for (int i = 0; i < 1000; i++)
		*number = counted(*number);
	return 0;
}

// Calls Go from this thread, and from threads that Go has never seen.
static int from_threads(int threads) {
	pthread_t all[16];
	int numbers[16] = {0};
	int sum = 0;
	int one = 0;
	elsewhere(&one);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&all[i], 0, elsewhere, &numbers[i]) != 0)
			return -1;
	for (int i = 0; i < threads; i++) {
		pthread_join(all[i], 0);
		sum += numbers[i];
	}
	return one + sum;
}

// Returns the error of getaddrinfo, and the first address's family.
static int resolved(const char *name, int *family) {
	struct addrinfo hints, *found = 0;
	memset(&hints, 0, sizeof hints);
	hints.ai_socktype = SOCK_STREAM;
	int failure = getaddrinfo(name, 0, &hints, &found);
	if (failure == 0) {
		*family = found->ai_family;
		freeaddrinfo(found);
	}
	return failure;
}

static const char *reason(int failure) { return gai_strerror(failure); }
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"
)

func main() {
	parts := map[string]func() (string, error){"resolve": resolve, "callbacks": callbacks}
	run := parts[os.Args[1]]
	if run == nil {
		fmt.Fprintf(os.Stderr, "no part %q\n", os.Args[1])
		os.Exit(2)
	}
	saw, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(saw)
}

// resolve asks the C library by itself and through Go.
func resolve() (string, error) {
	name := C.CString("localhost")
	defer C.free(unsafe.Pointer(name))
	var family C.int
	if failure := C.resolved(name, &family); failure != 0 {
		return "", fmt.Errorf("getaddrinfo of localhost: %s", C.GoString(C.reason(failure)))
	}
	if family != C.AF_INET && family != C.AF_INET6 {
		return "", fmt.Errorf("getaddrinfo of localhost: family %d", family)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, "localhost")
	if err != nil {
		return "", fmt.Errorf("net.LookupHost of localhost by the C library: %w", err)
	}
	saw := fmt.Sprintf("getaddrinfo says that localhost is %v", found)
	if len(os.Args) < 5 {
		return saw, nil
	}
	known, address, unknown := os.Args[2], os.Args[3], os.Args[4]
	found, err = net.DefaultResolver.LookupHost(ctx, known)
	if err != nil || fmt.Sprint(found) != fmt.Sprintf("[%s]", address) {
		return "", fmt.Errorf("a name server's name: got %v, %v, want %s", found, err, address)
	}
	var not *net.DNSError
	if _, err := net.DefaultResolver.LookupHost(ctx, unknown); !errors.As(err, &not) || !not.IsNotFound {
		return "", fmt.Errorf("a name that is not there: got %v, want that it is not found", err)
	}
	return saw + "; a name server's answer came through", nil
}

//export counted
func counted(number C.int) C.int {
	if number%100 == 0 {
		runtime.GC()
	}
	return number + 1
}

func callbacks() (string, error) {
	const threads = 4
	if sum := C.from_threads(threads); sum != 1000*(threads+1) {
		return "", fmt.Errorf("of %d calls from C %d arrived", 1000*(threads+1), sum)
	}
	return fmt.Sprintf("%d calls from C arrived, most from threads that Go had not made", 1000*(threads+1)), nil
}
