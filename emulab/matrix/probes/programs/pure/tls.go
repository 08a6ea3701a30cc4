package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("tls-roots", tlsRoots)
	_ = verdict.Probe("tls-own-root", tlsOwnRoot)

	_ = verdict.Child("handshake", handshake)
)

const servedName = "board.emulab.test"

// tlsRoots has a root of the system's own file verified against what Go loaded as the system's roots.
func tlsRoots() (string, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return "", err
	}
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"} {
		bundle, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		verified := 0
		for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
			root, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				continue
			}
			// On a day that it is valid on, since what day the machine has is no matter of its roots.
			day := root.NotBefore.Add(root.NotAfter.Sub(root.NotBefore) / 2)
			usages := []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
			if _, err := root.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: day, KeyUsages: usages}); err != nil {
				return "", fmt.Errorf("%s of %s is not among the roots: %w", root.Subject.CommonName, path, err)
			}
			verified++
			if verified == 10 {
				break
			}
		}
		if verified == 0 {
			return "", fmt.Errorf("%s holds no certificate", path)
		}
		return fmt.Sprintf("%s is loaded: ten of its roots verify", path), expect("roots", verified, 10)
	}
	return "", verdict.Missing("the root filesystem has no file of roots")
}

// authority returns a root of our own, as PEM, and a certificate that it signed, valid since 2020.
func authority() ([]byte, tls.Certificate, error) {
	none := tls.Certificate{}
	since, until := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, none, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a root of emulab's"},
		NotBefore: since, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, none, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, none, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: servedName}, DNSNames: []string{servedName},
		NotBefore: since, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, rootKey)
	if err != nil {
		return nil, none, err
	}
	file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	return file, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// serve answers TLS on this machine until it is closed.
func serve(certificate tls.Certificate) (net.Listener, error) {
	settings := &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener, err := tls.Listen("tcp4", "127.0.0.1:0", settings)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(client, client); client.Close() }()
		}
	}()
	return listener, nil
}

// greeted makes a TLS connection and has a word echoed.
func greeted(address string, settings *tls.Config) (tls.ConnectionState, error) {
	settings.ServerName = servedName
	dialer := &net.Dialer{Timeout: patience}
	client, err := tls.DialWithDialer(dialer, "tcp4", address, settings)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer client.Close()
	if _, err := client.Write([]byte("hello")); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err = io.ReadFull(client, make([]byte, 5))
	return client.ConnectionState(), err
}

// handshake is a client with the system's roots, or those that SSL_CERT_FILE names.
func handshake(arguments []string) error {
	state, err := greeted(arguments[0], &tls.Config{})
	if err == nil {
		fmt.Println(tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	}
	return err
}

func tlsOwnRoot() (string, error) {
	root, certificate, err := authority()
	if err != nil {
		return "", err
	}
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	path := filepath.Join(directory, "root.pem")
	if err := os.WriteFile(path, root, 0o644); err != nil {
		return "", err
	}
	listener, err := serve(certificate)
	if err != nil {
		return "", err
	}
	defer listener.Close()
	var unknown x509.UnknownAuthorityError
	if _, err := greeted(listener.Addr().String(), &tls.Config{}); !errors.As(err, &unknown) {
		return "", fmt.Errorf("a server whose root nobody knows: got %v, want unknown authority", err)
	}
	friend := verdict.Play("handshake", listener.Addr().String())
	friend.Env = append(os.Environ(), "SSL_CERT_FILE="+path)
	said, err := verdict.Run(friend)
	if err != nil {
		return "", fmt.Errorf("with its root in SSL_CERT_FILE: %w", err)
	}
	return fmt.Sprintf("%s with a root of SSL_CERT_FILE's, refused without it", strings.TrimSpace(said)), nil
}

// isTooEarly tells whether a certificate was refused since it is not valid yet.
func isTooEarly(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}
