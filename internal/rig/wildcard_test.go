//go:build linux

package rig_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// wildcard is a domain of which every name leads to one server. At each address it has a stub of an actor with a key,
// as GoToSocial shows to strangers: to believe that takes two lookups.
type wildcard struct {
	port    string
	private *rsa.PrivateKey // of everybody there
	fetches atomic.Int64
}

func newWildcard(t *testing.T) *wildcard {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	w := &wildcard{private: private}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		id := "http://" + r.Host + r.URL.Path
		rw.Header().Set("Content-Type", rig.Activity)
		json.NewEncoder(rw).Encode(map[string]any{"@context": "https://www.w3.org/ns/activitystreams",
			"id": id, "type": "Person", "inbox": id + "/inbox",
			"preferredUsername": "kade", "publicKey": map[string]any{"id": id + "#main-key", "owner": id,
				"publicKeyPem": public}})
	}))
	t.Cleanup(server.Close)
	_, w.port, err = net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// post sends an activity of somebody at a name of the domain, signed well.
func (w *wildcard) post(ctx context.Context, client *http.Client, inbox string, name int) int {
	actor := fmt.Sprintf("http://s%d.wild.test:%s/users/kade", name, w.port)
	body := fmt.Appendf(nil, `{"id":"%s/1","type":"Like","actor":"%s","object":"%s"}`, actor, actor, inbox)
	sum := sha256.Sum256(body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", rig.Activity)
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	text := fmt.Sprintf("(request-target): post %s\nhost: %s\ndate: %s\ndigest: %s", r.URL.Path, r.URL.Host,
		r.Header.Get("Date"), r.Header.Get("Digest"))
	hash := sha256.Sum256([]byte(text))
	signed, err := rsa.SignPKCS1v15(rand.Reader, w.private, crypto.SHA256, hash[:])
	if err != nil {
		return 0
	}
	r.Header.Set("Signature", `keyId="`+actor+`#main-key",algorithm="rsa-sha256",headers="(request-target) host date `+
		`digest",signature="`+base64.StdEncoding.EncodeToString(signed)+`"`)
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// TestR18NamesWithoutEndOfOneDomainShareItsBudget lets a domain with a wildcard in its DNS post from names without end,
// while articles are delivered to healthy servers. The program is built with a DNS that knows that domain.
func TestR18NamesWithoutEndOfOneDomainShareItsBudget(t *testing.T) {
	path := broken(t, rig.Change{File: "internal/remote/ssrf_guard.go",
		Old: "(ctx context.Context, network, address string) (net.Conn, error) {\n",
		New: "(ctx context.Context, network, address string) (net.Conn, error) {\n" +
			"\tif host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, \".wild.test\") {\n" +
			"\t\taddress = net.JoinHostPort(\"127.0.0.1\", port)\n\t}\n"})
	storetest.EachURL(t, func(t *testing.T, database string) {
		healthy := rig.Size(40, 100)
		s := open(t, path, database, healthy)
		w := newWildcard(t)
		l := &hangLedger{}
		s.deliver(s.people)
		names := rig.Size(1500, 10_000)
		l.alone = append(l.alone, s.deliver(s.people))
		var sent answers
		var posting sync.WaitGroup
		began := time.Now()
		for i := range 8 {
			// From addresses of their own: what one address may post in a minute is limited as well.
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 77, 0, byte(1+i))}}
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}}
			posting.Go(func() {
				for n := i; n < names; n += 8 {
					sent.add(w.post(t.Context(), client, s.program.URL+"/ap/inbox", n), 0)
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		l.beside = append(l.beside, s.deliver(s.people))
		posting.Wait()
		minutes := time.Since(began).Minutes()
		f := s.measure("R-18")
		f.Size("names", names)
		f.Size("healthy servers", healthy)
		f.Sometimes("fetches", int(w.fetches.Load()))
		f.Sometimes("posts accepted", sent.by[202])
		f.Sometimes("posts without a fetch", names-int(w.fetches.Load()))
		f.Judge(func(b *rig.Bars) {
			b.AtMost("fetches", float64(w.fetches.Load()), 300*(minutes+1)+20)
			// The flood costs this machine more than the domain's share of the program.
			b.AtMost("p95 against a run without them", rig.Quantile(l.beside[0], 0.95)/rig.Quantile(l.alone[0], 0.95),
				rig.Size(5, 1.5))
			b.AtMost("5xx other than 503", float64(sent.broken()), 0)
		}, func() { w.fetches.Add(100_000) })
		if t.Failed() {
			t.Log(sent.by)
		}
	})
}
