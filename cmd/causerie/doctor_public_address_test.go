package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/store/storetest"
)

func TestTheDoctorChecksTheHandleDomain(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		var leads atomic.Value
		leads.Store("")
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter,
			*http.Request) {
			t.Error("a stranger was asked")
		}))
		t.Cleanup(elsewhere.Close)
		domain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if to := leads.Load().(string); to != "" && r.URL.Path == "/.well-known/webfinger" {
				http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusMovedPermanently)
				return
			}
			w.WriteHeader(http.StatusNotFound)
		}))
		t.Cleanup(domain.Close)
		s, proxy := openBehind(t, database, "--handle-domain", strings.TrimPrefix(domain.URL, "http://"))
		s.ilse()
		for to, want := range map[string]string{proxy.URL: "", "": "404 Not Found",
			elsewhere.URL: "leads to " + elsewhere.URL} {
			leads.Store(to)
			if ill, _, _ := s.doctor(); (ill["webfinger"] == "") != (want == "") || !strings.Contains(ill["webfinger"], want) {
				t.Errorf("with a redirect to %q it says %v, want %q", to, ill, want)
			}
		}
	})
}

// certificateUntil makes a certificate for 127.0.0.1 that expires at a time, and saves it in a file for programs that
// shall trust it.
func certificateUntil(t *testing.T, at time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: at,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTheDoctorChecksTheCertificate(t *testing.T) {
	certificate, authority := certificateUntil(t, time.Now().AddDate(0, 0, 5))
	backend := freePort(t)
	target, err := url.Parse("http://" + backend)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}})
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	s := openAt(t, storetest.SQLite(t), backend, "--url", proxy.URL, "--listen", backend)
	s.ilse()
	for _, c := range []struct {
		trusts string
		want   []string
	}{
		{"SSL_CERT_FILE=" + authority, []string{"warning  address",
			"ends on " + time.Now().UTC().AddDate(0, 0, 5).Format("2 January 2006"), "ok       inbox"}},
		{"SSL_CERT_FILE=/dev/null", []string{"wrong    address", "its certificate is from an authority that we do not know",
			"The server runs at http://" + backend}},
	} {
		program := exec.CommandContext(s.ctx, os.Args[0], s.args("doctor")...) // a process reads its authorities once
		program.Env = append(os.Environ(), asProgram+"=1", c.trusts, "SSL_CERT_DIR="+t.TempDir())
		out, err := program.CombinedOutput()
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("with %s it says, without %q:\n%s(%v)", c.trusts, want, out, err)
			}
		}
	}
}
