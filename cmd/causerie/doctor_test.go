package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/federation/doctor"
	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// badProxy is a proxy in front of a blog, which alters requests and responses.
type badProxy struct {
	*httptest.Server
	there, back atomic.Value // func(*http.Request), func(*http.Response)
}

func (p *badProxy) alter(there func(*http.Request), back func(*http.Response)) {
	p.there.Store(there)
	p.back.Store(back)
}

func newBadProxy(t *testing.T, backend string) *badProxy {
	t.Helper()
	target, err := url.Parse("http://" + backend)
	if err != nil {
		t.Fatal(err)
	}
	p := &badProxy{}
	p.alter(func(*http.Request) {}, func(*http.Response) {})
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Accept-Encoding")
			p.there.Load().(func(*http.Request))(r.Out)
		},
		ModifyResponse: func(r *http.Response) error {
			p.back.Load().(func(*http.Response))(r)
			return nil
		},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil // it has none of its own to add
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// openBehind starts a blog behind a proxy, whose address is its public address.
func openBehind(t *testing.T, database string, settings ...string) (*stage, *badProxy) {
	t.Helper()
	backend := freePort(t)
	p := newBadProxy(t, backend)
	return openAt(t, database, backend, append(settings, "--url", p.URL, "--listen", backend)...), p
}

// doctor runs “causerie doctor”. It returns the findings that are not ok by their check, all findings, and the exit
// status.
func (s *stage) doctor(args ...string) (ill map[string]string, list []doctor.Finding, status int) {
	s.t.Helper()
	out, trouble, status := cli(s.ctx, s.args(append([]string{"doctor", "--json"}, args...)...), nil, "")
	list, ill = read[doctor.Finding](s.t, out), map[string]string{}
	wrong := false
	for _, f := range list {
		if f.Mark != doctor.Fine {
			ill[f.Check] += string(f.Mark) + ": " + f.Words + ". " + f.Do + ". "
		}
		if f.Mark != doctor.Fine && f.Do == "" && f.Check != "database" && f.Check != "settings" {
			s.t.Errorf("%+v does not say what to do", f)
		}
		wrong = wrong || f.Mark == doctor.Wrong
	}
	if wrong != (status == failed) || wrong != strings.Contains(trouble, "wrong") {
		s.t.Errorf("it ended with %d and said %q, after %+v", status, trouble, list)
	}
	delete(ill, "settings") // blogs of tests have addresses that only this machine can reach
	return ill, list, status
}

func TestTheDoctorFindsNothingWrongWhereAllIsWell(t *testing.T) {
	for name, settings := range map[string][]string{"open": nil, "with authorized fetch": {"--authorized-fetch"},
		"confined": {"--federation", "allow-list"}} {
		t.Run(name, func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, database string) {
				s, _ := openBehind(t, database, settings...)
				if ill, _, status := s.doctor(); status != done || len(ill) != 1 ||
					!strings.Contains(ill["webfinger"], "no author yet") {
					t.Errorf("of a new blog it says %v", ill)
				}
				if out := s.cli("doctor"); !strings.Contains(out, "; nothing to compare yet") ||
					!strings.Contains(out, "no server got a delivery yet") {
					t.Errorf("of a new blog it says\n%s", out)
				}
				if name == "confined" {
					s.ilse()
				} else {
					_, bram := s.veerhuis()
					s.ilse(bram)
				}
				s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
				ill, list, status := s.doctor()
				if status != done || len(ill) != 0 {
					t.Errorf("it says %v", ill)
				}
				var looked []string
				for _, f := range list {
					looked = append(looked, f.Check)
				}
				for _, check := range []string{"database", "settings", "disk", "keys", "address", "letterbox", "reading",
					"webfinger", "host-meta", "nodeinfo", "people", "pages", "clock", "letters", "arrivals", "servers", "followers"} {
					if !slices.Contains(looked, check) {
						t.Errorf("it did not look at %s", check)
					}
				}
				if out := s.cli("doctor"); !strings.Contains(out, "ok       inbox") || !strings.Contains(out, "→ ") ||
					strings.Contains(out, "wrong") {
					t.Errorf("for people it says\n%s", out)
				}
			})
		})
	}
}

func TestTheDoctorFindsWhatAProxyBreaks(t *testing.T) {
	without := func(names ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
		}
	}
	rewrite := func(path, old, new string) func(*http.Response) {
		return func(r *http.Response) {
			if !strings.HasPrefix(r.Request.URL.Path, path) || r.StatusCode != http.StatusOK {
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			text := strings.ReplaceAll(string(body), old, new)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
		}
	}
	const html = "text/html; charset=utf-8"
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, proxy := openBehind(t, database)
		s.ilse()
		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
		for name, c := range map[string]struct {
			there func(*http.Request)
			back  func(*http.Response)
			want  map[string]string // by what was looked at
		}{
			"Signature": {there: without("Signature"),
				want: map[string]string{"letterbox": "Signature", "reading": "not signed"}},
			"Signature-Input": {there: without("Signature-Input"),
				want: map[string]string{"letterbox": "signed with Signature-Input", "reading": "signed with Signature-Input"}},
			"Digest": {there: without("Digest"),
				want: map[string]string{"letterbox": `"digest", which the request lacks`}},
			"Content-Digest": {there: without("Content-Digest"),
				want: map[string]string{"letterbox": `"content-digest", which the request lacks`}},
			"Date": {there: without("Date"),
				want: map[string]string{"letterbox": `"date", which the request lacks`, "reading": `"date"`}},
			"another Date": {there: func(r *http.Request) {
				r.Header.Set("Date",
					time.Now().UTC().Add(time.Minute).Format(http.TimeFormat))
			}, want: map[string]string{"letterbox": "does not match", "reading": "does not match"}},
			"another Host": {there: func(r *http.Request) { r.Host = "localhost:1" },
				want: map[string]string{"letterbox": `"localhost:1", which is not ours`, "reading": "not ours"}},
			"another type": {there: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
				want: map[string]string{"letterbox": "another Content-Type"}},
			"no Accept": {there: without("Accept"), want: map[string]string{"pages": "servers that ask for"}},
			"no query":  {there: func(r *http.Request) { r.URL.RawQuery = "" }, want: map[string]string{"webfinger": "400"}},
			"another path": {there: func(r *http.Request) {
				r.URL.Path = strings.Replace(r.URL.Path, "/ap/inbox", "/ap//inbox",
					1)
			}, want: map[string]string{"letterbox": "is"}},
			"no Date on answers": {back: func(r *http.Response) { r.Header.Del("Date") },
				want: map[string]string{"clock": "have no Date header"}},
			"a page for a document": {back: func(r *http.Response) {
				if r.Request.URL.Path == "/ap/instance" {
					r.Header.Set("Content-Type", html)
				}
			}, want: map[string]string{"address": "is not this blog: 200 OK (text/html)"}},
			"a redirect": {back: func(r *http.Response) {
				r.StatusCode = http.StatusMovedPermanently
				r.Header.Set("Location", "https://www.overkant.example/")
			}, want: map[string]string{"address": "leads to https://www.overkant.example/"}},
			"a wall before POST": {back: func(r *http.Response) {
				if r.Request.Method == http.MethodPost {
					r.StatusCode = http.StatusForbidden
					r.Body, r.ContentLength = http.NoBody, 0
					r.Header = http.Header{"Content-Type": {html}}
				}
			}, want: map[string]string{"letterbox": "403 Forbidden (text/html), which does not come from the program"}},
			"an old profile": {back: rewrite("/ap/actors/", "PUBLIC KEY-----", "OLD KEY-----"),
				want: map[string]string{"people": "a key that is not theirs"}},
			"another blog": {back: rewrite("/ap/instance", "PUBLIC KEY-----", "OTHER KEY-----"),
				want: map[string]string{"address": "another blog answers"}},
			"a handle of another": {back: rewrite("/.well-known/webfinger", "/ap/actors/", "/ap/people/"),
				want: map[string]string{"webfinger": "leads to “" + proxy.URL + "/ap/people/"}},
			"statistics of another": {back: rewrite("/nodeinfo/2.0", `"causerie"`, `"other"`),
				want: map[string]string{"nodeinfo": "/nodeinfo/2.0 gets 200"}},
			"links to another": {back: rewrite("/.well-known/nodeinfo", proxy.URL, "http://127.0.0.1:1"),
				want: map[string]string{"nodeinfo": "not an address of this site"}},
			"discovery from another": {back: func(r *http.Response) {
				if strings.HasPrefix(r.Request.URL.Path, "/.well-known/") {
					r.StatusCode = http.StatusNotFound
				}
			}, want: map[string]string{"webfinger": "404", "host-meta": "404", "nodeinfo": "404"}},
			"a clock that is an hour slow": {back: func(r *http.Response) {
				r.Header.Set("Date",
					time.Now().UTC().Add(-time.Hour).Format(http.TimeFormat))
			},
				want: map[string]string{"clock": "differ by 1h"}},
		} {
			there, back := func(*http.Request) {}, func(*http.Response) {}
			if c.there != nil {
				there = c.there
			}
			if c.back != nil {
				back = c.back
			}
			proxy.alter(there, back)
			ill, _, _ := s.doctor()
			for check, words := range c.want {
				if !strings.Contains(ill[check], words) {
					t.Errorf("%s: of %s it says %q, want %q", name, check, ill[check], words)
				}
			}
			for check, words := range ill {
				if _, known := c.want[check]; !known {
					t.Errorf("%s: of %s it says %q", name, check, words)
				}
			}
		}
	})
}

func TestTheDoctorSaysThatNothingAnswers(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, proxy := openBehind(t, database)
		proxy.Close()
		ill, list, status := s.doctor()
		if status != failed || !strings.Contains(ill["address"],
			"nothing answers at "+proxy.URL+": connection refused. The server runs at "+s.url) {
			t.Errorf("%d, %v", status, ill)
		}
		if slices.ContainsFunc(list, func(f doctor.Finding) bool { return f.Check == "letterbox" }) {
			t.Error("it goes on asking")
		}
		s.stop()
		if ill, _, _ := s.doctor(); !strings.Contains(ill["address"],
			"Start the server. If it listens elsewhere than "+strings.TrimPrefix(s.url, "http://")+
				", give doctor the same --listen") {
			t.Errorf("with no server at all %v", ill)
		}
		if _, trouble, _ := cli(s.ctx, s.args("doctor"), nil, ""); !strings.HasSuffix(trouble,
			"causerie: 1 problem: see the line that begins with “wrong”\n") {
			t.Errorf("at its end it says %q", trouble)
		}
		out, trouble, status := cli(s.ctx, append(s.args("doctor", "--json"), "--url", "https://elsewhere.example"), nil, "")
		if f := read[doctor.Finding](t, out); status != failed || trouble == "" || f[len(f)-1].Check != "settings" ||
			!strings.Contains(f[len(f)-1].Words, "was started as "+proxy.URL) {
			t.Errorf("with another address: %d %s", status, out)
		}
	})
	if out, _, status := cli(t.Context(), []string{"doctor", "--data", t.TempDir()}, nil, ""); status != failed ||
		!strings.Contains(out, "wrong  database  there is no blog") {
		t.Errorf("where there is no blog: %d %s", status, out)
	}
}

func TestTheDoctorFindsAWrongClock(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{})
		t.Cleanup(func() { world.Close() })
		s.ilse()
		a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
		for i, name := range []string{"veerhuis", "zilverduin"} {
			server, err := world.AddServer(name, fedtest.Mastodon)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Person("bram").Reply(s.ctx, a.Object, "<p>From "+name+".</p>",
				fedtest.PublishedAt(time.Now().Add(20*time.Minute))); err != nil {
				t.Fatal(err)
			}
			s.shows(a.URL, "From "+name, true)
			ill, _, status := s.doctor()
			if late := strings.Contains(ill["clock"], "written 20m0s after they arrived") ||
				strings.Contains(ill["clock"], "written 19m59s after they arrived"); late != (i == 1) || status != i {
				t.Errorf("after %d answers it says %v", i+1, ill)
			}
		}
		storetest.Change(t, database, `UPDATE comments SET published_at = arrived_at`)
		storetest.Change(t, database, `UPDATE activities SET at = ?`, time.Now().Add(time.Hour))
		if ill, _, status := s.doctor(); status != failed || !strings.Contains(ill["clock"], "in the future") {
			t.Errorf("after the clock went back it says %v", ill)
		}
	})
}

func TestTheDoctorSendsARefusedAcceptAgain(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		ilse := s.ilse()
		if err := server.SetBehaviour(fedtest.Refusing(http.StatusForbidden)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Follow(s.ctx, ilse.Object); err != nil {
			t.Fatal(err)
		}
		s.wait("the yes is refused", func() bool { _, _, status := s.doctor(); return status == failed })
		ill, _, _ := s.doctor()
		for _, want := range []string{"wrong: @bram@" + server.Host + " asked on ", "follow @ilse",
			server.Host + " refused the Accept (403", "--fix"} {
			if !strings.Contains(ill["followers"], want) {
				t.Errorf("it says %v, without %q", ill, want)
			}
		}
		if state := bram.FollowState(ilse.Object); state == "accepted" {
			t.Fatal("looking at it mended it")
		}
		if err := server.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		if ill, _, status := s.doctor("--fix"); status != done || !strings.Contains(ill["followers"], "warning: ") ||
			!strings.Contains(ill["followers"], "sent again just now") {
			t.Errorf("mending says %v", ill)
		}
		if err := bram.WaitAccepted(s.ctx, ilse.Object); err != nil {
			t.Fatal(err)
		}
		s.wait("all is well", func() bool { ill, _, _ := s.doctor(); return len(ill) == 0 })

		storetest.Change(t, database, `UPDATE followers SET state = 'pending', since = ?`, time.Now().Add(-time.Hour))
		if ill, _, status := s.doctor(); status != failed ||
			!strings.Contains(ill["followers"], "waits, though @ilse accepts everybody") {
			t.Errorf("of one who waits here it says %v", ill)
		}
		s.doctor("--fix")
		if ill, _, status := s.doctor(); status != done || len(ill) != 0 {
			t.Errorf("afterwards %v", ill)
		}
	})
}

func TestTheDoctorMakesAnewWhatIsKeptBesideTheRows(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		_, bram := s.veerhuis()
		s.ilse(bram)
		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
		storetest.Change(t, database, `UPDATE follower_counts SET accepted = 7`)
		storetest.Change(t, database, `DELETE FROM article_lists WHERE kind = 'listed'`)
		ill, _, status := s.doctor()
		if status != failed || !strings.Contains(ill["counts"], "follower_counts (2)") ||
			!strings.Contains(ill["lists"], "an article is missing in the list “listed”, ") ||
			!strings.Contains(ill["lists"], "doctor --fix") {
			t.Errorf("it says %v", ill)
		}
		if ill, _, status := s.doctor("--fix"); status != done {
			t.Errorf("mending says %v", ill)
		}
		if ill, _, _ := s.doctor(); ill["counts"]+ill["lists"] != "" {
			t.Errorf("afterwards %v", ill)
		}
	})
}

func TestTheDoctorSaysWhyAFollowerDidNotGetTheAccept(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		s.ilse(bram)
		s.stop()
		storetest.Change(t, database, `UPDATE activities SET at = ?`, time.Now().Add(-time.Hour))
		storetest.Change(t, database, `UPDATE followers SET accept_id = (SELECT id FROM activities WHERE kind = 'Accept')`)
		for status, want := range map[string]string{
			"settled_at = NULL, status = 'waiting', attempts = 0": "warning: which waits behind other " +
				"deliveries to ",
			"settled_at = NULL, status = 'retrying', code = 503, answer = 'Asleep'": "warning: does not accept it at the " +
				"moment (503 Asleep)",
			"settled_at = at.at, status = 'given up', code = 0, answer = ''": "wrong: did not accept within a " +
				"week. “causerie doctor --fix”",
			"settled_at = at.at, status = 'refused', code = 401, answer = 'Who are you'": "wrong: refused the Accept (401 Who " +
				"are you)",
		} {
			storetest.Change(t, database, `UPDATE deliveries SET `+
				strings.ReplaceAll(status, "at.at", "(SELECT a.at FROM activities a WHERE a.id = activity_id)"))
			ill, _, _ := s.doctor()
			mark, words, _ := strings.Cut(want, " ")
			if said := ill["followers"]; !strings.HasPrefix(said, mark) || !strings.Contains(said, words) {
				t.Errorf("%s: it says %q, want %q", status, said, want)
			}
		}
		storetest.Change(t, database, `UPDATE peers SET unavailable_since = ?`, time.Now())
		if ill, _, _ := s.doctor("--fix"); !strings.Contains(ill["followers"], "warning: ") ||
			!strings.Contains(ill["followers"], "since "+server.Host+" is unavailable") {
			t.Errorf("where it would not help it says %q", ill["followers"])
		}
	})
}

func TestTheDoctorListsWhatWaitsAndSilentServers(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		s.ilse(bram)
		s.stop()
		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
		hour := time.Now().Add(-time.Hour)
		if ill, _, _ := s.doctor(); ill["letters"] != "" {
			t.Errorf("of a delivery of this moment it says %v", ill)
		}
		storetest.Change(t, database, `UPDATE activities SET at = ?`, hour)
		storetest.Change(t, database, `UPDATE peers SET free_at = ?`, hour)
		storetest.Change(t, database, `INSERT INTO arrivals (id, host, activity_id, signer, body, at, due_at) VALUES ('1', `+
			`'x', '1', 'x', '{}', ?, ?)`, hour, hour)
		storetest.Change(t, database, `INSERT INTO arrivals (id, host, activity_id, signer, body, at, due_at, parked) `+
			`VALUES ('2', 'x', '2', 'x', '{}', ?, ?, 'panic')`, hour, hour)
		ill, _, _ := s.doctor()
		if !strings.Contains(ill["letters"], " to 1 server should have been sent") ||
			!strings.Contains(ill["arrivals"], "wrong: 1 arrival should") ||
			!strings.Contains(ill["arrivals"], "warning: 1 arrival failed") {
			t.Errorf("of what waits it says %v", ill)
		}
		storetest.Change(t, database, `INSERT INTO peers (host, free_at, visited) VALUES ('x', ?, TRUE)`,
			time.Now().Add(time.Minute))
		if ill, _, _ := s.doctor(); !strings.Contains(ill["letters"], "warning: ") {
			t.Errorf("while somebody is at work it says %v", ill)
		}
		storetest.Change(t, database, `UPDATE peers SET failures = 3`)
		if ill, _, _ := s.doctor(); ill["letters"] != "" ||
			!strings.Contains(ill["servers"], "warning: not answering at the moment: "+server.Host) {
			t.Errorf("of a silent server it says %v", ill)
		}
		storetest.Change(t, database, `UPDATE peers SET unavailable_since = ?`, hour)
		storetest.Change(t, database, `UPDATE followers SET state = 'aside'`)
		if ill, _, _ := s.doctor(); !strings.Contains(ill["servers"], "unavailable for a week or longer: "+server.Host) ||
			!strings.Contains(ill["servers"], "set aside, since "+server.Host+
				" has not answered for more than a month: 1 follower") {
			t.Errorf("of a server that was given up it says %v", ill)
		}
	})
}

func TestTheDoctorChecksThisMachine(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		storetest.Change(t, database, `UPDATE voices SET public_key = (SELECT public_key FROM site)`)
		ill, _, status := s.doctor("--media", write(t, "media", "not a folder"))
		if status != failed || !strings.Contains(ill["disk"], "nothing can be written to ") ||
			!strings.Contains(ill["keys"], "the key of @ilse cannot be used: it does not belong to the public key "+
				"of the profile") {
			t.Errorf("it says %v", ill)
		}
		s.stop()
		storetest.Change(t, database, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM `+
			`goose_db_version)`)
		if ill, list, status := s.doctor(); status != failed || len(list) != 1 ||
			!strings.Contains(ill["database"], "causerie migrate") {
			t.Errorf("of an older database it says %v", ill)
		}
	})
	if out, _, status := cli(t.Context(), []string{"doctor", "--database",
		"postgres://nobody@127.0.0.1:1/none?sslmode=disable"}, nil, ""); status != failed ||
		!strings.Contains(out, "wrong  database  ") {
		t.Errorf("of a database that cannot be reached: %d %s", status, out)
	}
}

func TestTheDoctorFindsABrokenDatabaseFile(t *testing.T) {
	database := storetest.SQLite(t)
	s := open(t, database)
	s.ilse()
	s.stop()
	storetest.Change(t, database, `PRAGMA foreign_keys = OFF; DELETE FROM voices`)
	if ill, _, status := s.doctor(); status != failed ||
		!strings.Contains(ill["database"], "a row of authors points to nothing in voices") {
		t.Errorf("it says %v", ill)
	}
}
