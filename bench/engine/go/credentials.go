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
	"flag"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const serverName = "bench.internal"

// credentials are the files a side of a TLS connection shows and trusts.
type credentials struct{ ca, certificate, key *string }

func credentialFlags(flags *flag.FlagSet) credentials {
	return credentials{
		flags.String("ca", "", "`file` of the authority that the other side must be signed by"),
		flags.String("certificate", "", "`file` of our certificate"),
		flags.String("key", "", "`file` of our key"),
	}
}

func (c credentials) server() (*tls.Config, error) {
	config, pool, err := c.load()
	if err != nil {
		return nil, err
	}
	config.ClientCAs, config.ClientAuth = pool, tls.RequireAndVerifyClientCert
	return config, nil
}

// client is nil without an authority: plaintext.
func (c credentials) client() (*tls.Config, error) {
	if *c.ca == "" {
		return nil, nil
	}
	config, pool, err := c.load()
	if err != nil {
		return nil, err
	}
	config.RootCAs, config.ServerName = pool, serverName
	return config, nil
}

func (c credentials) load() (*tls.Config, *x509.CertPool, error) {
	authority, err := os.ReadFile(*c.ca)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, nil, errors.New("no certificate in " + *c.ca)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}}
	if *c.certificate != "" {
		pair, err := tls.LoadX509KeyPair(*c.certificate, *c.key)
		if err != nil {
			return nil, nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, pool, nil
}

// runCertificates writes ca.pem, and NAME.pem with NAME-key.pem of a server and of a client, valid for a day, P-256.
func runCertificates(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: certificates FOLDER")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := template(1, "bench authority")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	if err := issue(filepath.Join(args[0], "ca"), authority, authority, key, key); err != nil {
		return err
	}
	for serial, name := range []string{"server", "client"} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		leaf := template(int64(serial+2), name)
		leaf.DNSNames, leaf.IPAddresses = []string{serverName}, []net.IP{net.IPv4(127, 0, 0, 1)}
		leaf.KeyUsage = x509.KeyUsageDigitalSignature
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		if err := issue(filepath.Join(args[0], name), leaf, authority, own, key); err != nil {
			return err
		}
	}
	say(map[string]string{"folder": args[0]})
	return nil
}

func template(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}

func issue(path string, leaf, authority *x509.Certificate, own, signer *ecdsa.PrivateKey) error {
	signed, err := x509.CreateCertificate(rand.Reader, leaf, authority, &own.PublicKey, signer)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(path+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644),
		os.WriteFile(path+"-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}
