package remote

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var quiet = log.New(io.Discard, "", 0)

const refused = ""

// judged is an address with how it is asked by a guard that allows nothing, and by one that allows loopback and a
// unique local network.
type judged struct{ name, address, closed, open string }

func judge(t *testing.T, addresses ...judged) {
	t.Helper()
	closed := newGuard(nil, time.Second)
	open := newGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, time.Second)
	for _, test := range addresses {
		for _, side := range []struct {
			guard *guard
			want  string
		}{{closed, test.closed}, {open, test.open}} {
			u, err := side.guard.parse(test.address)
			switch {
			case side.want == refused && !errors.Is(err, ErrRefused):
				t.Errorf("%s, with %v allowed: got %v, %v; want it refused", test.name, side.guard.allow, u, err)
			case side.want != refused && (err != nil || u.String() != side.want):
				t.Errorf("%s, with %v allowed: got %v, %v; want %s", test.name, side.guard.allow, u, err, side.want)
			}
		}
	}
}

func TestAddressesAreCheckedBeforeAnyLookup(t *testing.T) {
	judge(t, []judged{
		{"a public name", "https://noordkade.nl/users/nadia?x=1", "https://noordkade.nl/users/nadia?x=1",
			"https://noordkade.nl/users/nadia?x=1"},
		{"capitals, the usual port and a fragment", "HTTPS://Noordkade.NL:443/a%2Fb#main-key", "https://noordkade.nl/a%2Fb",
			"https://noordkade.nl/a%2Fb"},
		{"a name in another script", "https://overkánt.nl/", "https://xn--overknt-lwa.nl/", "https://xn--overknt-lwa.nl/"},
		{"an encoded line break stays encoded", "https://noordkade.nl/a%0d%0aX:1", "https://noordkade.nl/a%0d%0aX:1",
			"https://noordkade.nl/a%0d%0aX:1"},

		{"plain http", "http://noordkade.nl/", refused, "http://noordkade.nl/"},
		{"http on the port of https", "http://noordkade.nl:443/", refused, refused},
		{"another port", "https://noordkade.nl:8443/", refused, "https://noordkade.nl:8443/"},
		{"the port of http", "https://noordkade.nl:80/", refused, "https://noordkade.nl:80/"},
		{"a user", "https://nadia@noordkade.nl/", refused, refused},
		{"a user and a word", "https://nadia:secret@noordkade.nl/", refused, refused},
		{"another scheme", "ftp://noordkade.nl/", refused, refused},
		{"a file", "file:///etc/passwd", refused, refused},
		{"gopher", "gopher://noordkade.nl/", refused, refused},
		{"data", "data:text/plain,x", refused, refused},
		{"javascript", "javascript:alert(1)", refused, refused},
		{"no scheme", "noordkade.nl/users/nadia", refused, refused},
		{"no host", "https:///users/nadia", refused, refused},
		{"an opaque address", "https:noordkade.nl", refused, refused},
		{"nothing", "", refused, refused},
		{"a line break", "https://noordkade.nl/\r\nX: 1", refused, refused},
		{"a line break in the host", "https://noordkade.nl%0d%0a/", refused, refused},
		{"a backslash in the host", `https://noordkade.nl\@127.0.0.1/`, refused, refused},

		{"a name like a special one", "https://localhost.noordkade.nl/", "https://localhost.noordkade.nl/",
			"https://localhost.noordkade.nl/"},
		{"an empty label", "https://noordkade..nl/", refused, refused},
		{"a label of 64 letters", "https://" + strings.Repeat("a", 64) + ".nl/", refused, refused},
		{"a label of 63 letters", "https://" + strings.Repeat("a", 63) + ".nl/",
			"https://" + strings.Repeat("a", 63) + ".nl/", "https://" + strings.Repeat("a", 63) + ".nl/"},
		{"an address of 2,049 bytes", "https://noordkade.nl/" + strings.Repeat("a", 2049-21), refused, refused},
		{"an address of 2,048 bytes", "https://noordkade.nl/" + strings.Repeat("a", 2048-21),
			"https://noordkade.nl/" + strings.Repeat("a", 2048-21), "https://noordkade.nl/" + strings.Repeat("a", 2048-21)},
	}...)
}

func TestT061PrivateAddressesAreNeitherAskedNorDialled(t *testing.T) {
	judge(t, []judged{
		{"loopback", "https://127.0.0.1/", refused, "https://127.0.0.1/"},
		{"loopback by http on any port", "http://127.0.0.1:9002/inbox", refused, "http://127.0.0.1:9002/inbox"},
		{"loopback by http on the port of https", "http://127.0.0.1:443/", refused, "http://127.0.0.1:443/"},
		{"a public number", "https://93.184.215.14/", refused, refused},
		{"a private number", "https://10.0.0.5/", refused, refused},
		{"the metadata service", "https://169.254.169.254/latest", refused, refused},
		{"all zeros", "https://0.0.0.0/", refused, refused},
		{"loopback of IPv6", "https://[::1]/", refused, refused},
		{"a unique local number", "https://[fd00::1]:8443/", refused, "https://[fd00::1]:8443/"},
		{"the same with needless zeros", "https://[fd00:0::0001]/", refused, "https://[fd00::1]/"},
		{"a number with a zone", "https://[fe80::1%25eth0]/", refused, refused},
		{"IPv4 in IPv6", "https://[::ffff:127.0.0.1]/", refused, refused},
		{"IPv4 in IPv6, in hex", "https://[::ffff:7f00:1]/", refused, refused},
	}...)
	nobodyDials(t, "127.0.0.2", "127.255.255.255", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "::1", "fc00::1", "fd00::1:0",
		"fe80::1", "fe80::1%eth0")
}

func TestT062OnlyPublicIPAddressesAreDialled(t *testing.T) {
	g := anyGuard()
	for _, number := range []string{"93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:400e:80e::200e",
		"127.0.0.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "fd00::ff"} {
		if err := g.controlPublic("tcp", netip.AddrPortFrom(netip.MustParseAddr(number), 443).String(), nil); err != nil {
			t.Errorf("%s: %v", number, err)
		}
	}
	nobodyDials(t, "0.0.0.0", "0.1.2.3", "255.255.255.255", "240.0.0.1", "224.0.0.1", "239.255.255.250", "100.64.0.1",
		"100.127.255.255",
		"198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
		"::", "ff02::1", "fec0::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1")
	for _, number := range []string{"1.1.1.1", "127.0.0.2", "2606:4700:4700::1111", "fd00::100"} {
		if err := g.controlAllowed("tcp", netip.AddrPortFrom(netip.MustParseAddr(number), 80).String(), nil); !errors.Is(err,
			ErrRefused) {
			t.Errorf("%s is dialled for an irregular address (%v)", number, err)
		}
	}
	for _, nonsense := range []string{"", "1.1.1.1", "name:443", "/run/socket"} {
		if g.controlPublic("tcp", nonsense, nil) == nil || g.controlAllowed("tcp", nonsense, nil) == nil {
			t.Errorf("%q is dialled", nonsense)
		}
	}
}

func TestT063NoIPAddressHidesWithinAnother(t *testing.T) {
	nobodyDials(t, "::ffff:10.0.0.1", "::ffff:7f00:2", "::7f00:1", "64:ff9b::a00:1", "64:ff9b::808:808",
		"64:ff9b:1::a00:1",
		"2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
		"2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "2606:4700::100:5efe:a00:1")
}

func anyGuard() *guard {
	return newGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fd00::/120")},
		time.Second)
}

// nobodyDials checks numbers at the last moment before a packet would leave.
func nobodyDials(t *testing.T, numbers ...string) {
	t.Helper()
	g := anyGuard()
	for _, number := range numbers {
		if err := g.controlPublic("tcp", netip.AddrPortFrom(netip.MustParseAddr(number), 443).String(), nil); !errors.Is(err,
			ErrRefused) {
			t.Errorf("%s is dialled (%v)", number, err)
		}
	}
}

func TestT064IPAddressesInDisguiseAreRefusedBeforeAnyLookup(t *testing.T) {
	judge(t, []judged{
		{"a decimal number", "https://2130706433/", refused, refused},
		{"an octal number", "https://0177.1/", refused, refused},
		{"an octal number of four parts", "https://0177.0.0.1/", refused, refused},
		{"a hexadecimal part", "https://0x7f.1/", refused, refused},
		{"a hexadecimal number", "https://0x7f000001/", refused, refused},
		{"a hexadecimal end", "https://127.0.0.0x1/", refused, refused},
		{"an empty hexadecimal end", "https://noordkade.0x/", refused, refused},
		{"a short number", "https://127.1/", refused, refused},
		{"a number with a dot behind", "https://127.0.0.1./", refused, refused},
		{"a name that ends in a number", "https://noordkade.123/", refused, refused},
		{"digits of full width", "https://１２７.0.0.1/", refused, "https://127.0.0.1/"},
		{"a dot of another script", "https://127。0。0。1/", refused, "https://127.0.0.1/"},
		{"encoded digits", "https://%31%32%37.0.0.1/", refused, refused},
	}...)
}

func TestT065SpecialNamesAreRefused(t *testing.T) {
	judge(t, []judged{
		{"localhost", "https://localhost/", refused, "https://localhost/"},
		{"localhost with a dot", "https://localhost./", refused, refused},
		{"below localhost", "https://blog.localhost/", refused, "https://blog.localhost/"},
		{"a name with a dot behind", "https://noordkade.nl./", refused, refused},
		{"a single label", "https://intranet/", refused, "https://intranet/"},
		{"a printer", "https://printer.local/", refused, "https://printer.local/"},
		{"the metadata service by name", "https://metadata.google.internal/", refused, "https://metadata.google.internal/"},
		{"a router", "https://router.home.arpa/", refused, "https://router.home.arpa/"},
		{"an onion", "https://expyuzz4wqqyqhjn.onion/", refused, "https://expyuzz4wqqyqhjn.onion/"},
	}...)
}

func TestAPublicNameOfAPrivateIPAddressIsRefusedWithoutAPacket(t *testing.T) {
	bait := serve(t, forbidden+":443", document("{}"))
	names := &nameServer{answers: map[string][][]string{"noordkade.nl": {{forbidden}}}}
	c := client(t, Options{})
	names.resolve(t, c)
	if _, err := c.Object(t.Context(), "https://noordkade.nl/users/nadia"); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
	if names.questions() == 0 || bait.connections.Load() != 0 {
		t.Errorf("%d questions, %d connections", names.questions(), bait.connections.Load())
	}
}

// pair is a good server and a forbidden one on the same port of the two numbers.
func pair(t *testing.T, answer http.HandlerFunc) (good, bait *server, port string) {
	t.Helper()
	good = serve(t, "127.0.0.1:0", answer)
	port = good.URL[strings.LastIndex(good.URL, ":"):]
	return good, serve(t, forbidden+port, answer), port
}

func TestT066ANameThatChangesItsIPAddressNeverLeadsToAPrivateOne(t *testing.T) {
	good, bait, port := pair(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // so that each question looks the name up again
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	names := &nameServer{answers: map[string][][]string{
		"dijla.example": {{"127.0.0.1"}, {forbidden}, {"127.0.0.1"}, {forbidden}},
	}}
	c := client(t, Options{})
	names.resolve(t, c)
	for i := range 4 {
		_, err := c.Object(t.Context(), "http://dijla.example"+port+"/users/deniz")
		if even := i%2 == 0; even && err != nil || !even && !errors.Is(err, ErrRefused) {
			t.Errorf("question %d: %v", i+1, err)
		}
	}
	if good.requests.Load() != 2 || bait.connections.Load() != 0 {
		t.Errorf("%d requests, and %d forbidden connections", good.requests.Load(), bait.connections.Load())
	}
}

func TestT067OfTwoIPAddressesOnlyThePublicOneIsDialled(t *testing.T) {
	good, bait, port := pair(t, func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	for _, answer := range [][]string{{forbidden, "127.0.0.1"}, {"127.0.0.1", forbidden}} {
		names := &nameServer{answers: map[string][][]string{"dijla.example": {answer}}}
		c := client(t, Options{})
		names.resolve(t, c)
		if _, err := c.Object(t.Context(), "http://dijla.example"+port+"/users/deniz"); err != nil {
			t.Error(err)
		}
	}
	if good.requests.Load() != 2 || bait.connections.Load() != 0 {
		t.Errorf("%d requests, and %d forbidden connections", good.requests.Load(), bait.connections.Load())
	}
}

func TestT084NoProxyIsTakenFromTheEnvironment(t *testing.T) {
	proxy := serve(t, "127.0.0.1:0", document("{}"))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	good := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	if _, err := client(t, Options{}).Object(t.Context(), good.URL+"/users/bram"); err != nil {
		t.Error(err)
	}
	names := &nameServer{}
	c := client(t, Options{})
	names.resolve(t, c)
	c.Object(t.Context(), "https://noordkade.nl/")
	if proxy.connections.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"https://noordkade.nl/", "http://127.0.0.1:80", "https://[::1%25a]/", "https://0x7f.1/",
		"//a@b:1"} {
		f.Add(seed)
	}
	closed := newGuard(nil, time.Second)
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := closed.parse(raw)
		if err != nil {
			return
		}
		again, err := closed.parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q is judged %q and then %v, %v", raw, u, again, err)
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil || u.Scheme != "https" || u.Port() != "" || u.User != nil {
			t.Errorf("%q passes as %q", raw, u)
		}
	})
}
