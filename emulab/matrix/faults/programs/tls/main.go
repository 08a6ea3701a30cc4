// Tls talks to itself over TLS, with a certificate that is valid from 2024 on.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// built is when the program was made: no clock that is earlier can be right.
var built = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func main() {
	careful := flag.Bool("careful", false, "never believe that it is earlier than when the program was built")
	flag.Parse()
	fmt.Println("the clock says", time.Now().UTC().Year())
	certificate, roots, err := authority()
	if err != nil {
		fail(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		fail(err)
	}
	go serve(listener)
	settings := &tls.Config{RootCAs: roots, ServerName: "board.example"}
	if *careful {
		settings.Time = func() time.Time {
			if now := time.Now(); now.After(built) {
				return now
			}
			return built
		}
	}
	connection, err := tls.Dial("tcp", listener.Addr().String(), settings)
	if err != nil {
		fail(err)
	}
	connection.Close()
	fmt.Println("TLS: connected")
}

func serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go connection.(*tls.Conn).Handshake()
	}
}

// authority makes a certificate that is its own authority.
func authority() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "board.example"},
		NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2124, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:  []string{"board.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots, nil
}

func fail(err error) {
	fmt.Println("TLS:", err)
	os.Exit(1)
}
