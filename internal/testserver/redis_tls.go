package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// RedisTLS starts a server that also listens with TLS, at [RedisServer.TLSURL].
func RedisTLS(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem")
	certify(t, ca, key)
	port := freePort(t)
	s := Redis(t, append([]string{"--tls-port", strconv.Itoa(port), "--tls-cert-file", ca, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no"}, args...)...)
	s.ca, s.tlsPort = ca, port
	return s
}

// TLSAddr returns host:port, and CA the file of the authority that signed the
// certificate.
func (s *RedisServer) TLSAddr() string { return "127.0.0.1:" + strconv.Itoa(s.tlsPort) }
func (s *RedisServer) CA() string      { return s.ca }

// TLSURL returns the address with TLS for the store.
func (s *RedisServer) TLSURL() string { return "rediss://" + s.TLSAddr() + "?ca=" + s.ca }

// certify writes a certificate for 127.0.0.1 that is its own authority.
func certify(t testing.TB, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
