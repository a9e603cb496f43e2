package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
)

// certify writes a certificate with a serial number, and its key.
func certify(t *testing.T, chain, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{chain: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate is renewed while the server runs. One that can't be used changes nothing.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	chain, key := filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	certify(t, chain, key, 1)
	p := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t)}, "--tls-cert", chain, "--tls-key", key)
	u, err := url.Parse(p.url)
	if err != nil || u.Scheme != "https" {
		t.Fatalf("it is served at %s", p.url)
	}
	await := func(serial int64) {
		t.Helper()
		for deadline := time.Now().Add(maxWait); ; {
			conn, err := tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			state := conn.ConnectionState()
			conn.Close()
			if state.NegotiatedProtocol != "h2" {
				t.Fatalf("it speaks %q", state.NegotiatedProtocol)
			}
			if state.PeerCertificates[0].SerialNumber.Int64() == serial {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the certificate is number %d, want %d", state.PeerCertificates[0].SerialNumber, serial)
			}
		}
	}
	await(1)
	certify(t, chain, key, 2)
	await(2)
	if err := os.WriteFile(chain, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(maxWait); !strings.Contains(p.said(), "the new certificate can't be used; the old one stays"); await(2) {
		if time.Now().After(deadline) {
			t.Fatalf("it says %s", p.said())
		}
	}
	certify(t, chain, key, 3)
	await(3)
	p.stop(syscall.SIGINT)
}
