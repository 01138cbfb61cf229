package remote

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// guard decides which addresses are contacted. Regular addresses are https, on port 443, with a public host name;
// they may lead to any public IP address. All others (http, another port, a name such as localhost, a bare IP
// address) are refused. Where prefixes are allowed, they may lead to an IP address within those, and to no other.
type guard struct {
	allow         []netip.Prefix
	public        *ssrf.Guardian
	toPublic      net.Dialer // may connect to public numbers and allowed ones
	toAllowedOnly net.Dialer
}

func newGuard(allow []netip.Prefix, timeout time.Duration) *guard {
	g := &guard{allow: allow, public: ssrf.New(ssrf.WithAnyPort())}
	g.toPublic = net.Dialer{Timeout: timeout, Control: g.controlPublic}
	g.toAllowedOnly = net.Dialer{Timeout: timeout, Control: g.controlAllowed}
	return g
}

// hostNames maps a host to its ASCII form (UTS 46), so that a look-alike of a dot, a digit or a letter is checked as
// what a resolver would look up.
var hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// special are the last labels of names that belong to a machine, a local network or nobody (RFC 6761, RFC 6762, RFC
// 8375, RFC 9476, and what routers and ICANN set aside).
var special = []string{
	"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan",
	"arpa", "onion", "alt", "test", "example", "invalid",
}

// parse checks the text of an address and returns it in the form that is requested: host in lower-case ASCII, no
// default port, no fragment.
func (g *guard) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not an address", ErrRefused)
	}
	return g.check(u)
}

// follow checks where a redirect leads. A redirect from https to http is an ErrRefused, unless both are allowed IP
// addresses.
func (g *guard) follow(from *url.URL, location string) (*url.URL, error) {
	ref, err := from.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not an address", ErrRefused)
	}
	to, err := g.check(ref)
	if err != nil {
		return nil, err
	}
	if from.Scheme == "https" && to.Scheme == "http" && !(g.allowedIP(from) && g.allowedIP(to)) {
		return nil, fmt.Errorf("%w: it leads from https to http", ErrRefused)
	}
	return to, nil
}

// check checks a parsed address. The error is an ErrRefused with the reason.
func (g *guard) check(u *url.URL) (*url.URL, error) {
	refuse := func(format string, args ...any) (*url.URL, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
	}
	// Opaque is an address without "//", such as https:host, which readers of addresses disagree about.
	if u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" {
		return refuse("it is not https")
	}
	if len(u.String()) > maxURL {
		return refuse("it is longer than %d bytes", maxURL)
	}
	// "https://good.example@evil.example/" shows one host and leads to another.
	if u.User != nil {
		return refuse("it has a user name")
	}
	host, number, err := parseHost(u.Hostname())
	if err != nil {
		return refuse("%v", err)
	}
	if number.IsValid() && !g.allowed(number) {
		return refuse("it is a bare IP address")
	}
	port := u.Port()
	if !number.IsValid() {
		// With allowed prefixes an irregular name passes here; the dialer then lets it lead only into a prefix.
		irregular := u.Scheme != "https" || port != "" && port != "443" || isSpecial(host)
		if irregular && len(g.allow) == 0 && u.Scheme == "https" && (port == "" || port == "443") {
			// Such a name is nearly always a typing error or an example.
			return refuse("no server was found at %s: check the spelling", host)
		}
		// http on port 443 would count as regular for the dialer, which sees only the port.
		if irregular && len(g.allow) == 0 || u.Scheme == "http" && port == "443" {
			return refuse("only https on port 443 and public host names are allowed")
		}
	}
	// One spelling for each address: ids are compared as text, and limits are kept by host.
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	if number.Is6() {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	judged := *u
	judged.Host, judged.Fragment, judged.RawFragment = host, "", ""
	return &judged, nil
}

// parseHost reads a host as a name in ASCII, or as an IP address. An IP address must have its one usual notation:
// "127.1", "0x7f.1" and "::ffff:127.0.0.1" are refused.
func parseHost(host string) (name string, number netip.Addr, err error) {
	if strings.Contains(host, ":") {
		number, err = netip.ParseAddr(host)
		if err != nil || number.Zone() != "" || number.Is4In6() {
			return "", netip.Addr{}, fmt.Errorf("%q is not an IP address in the usual notation", clean(host, 60))
		}
		return number.String(), number, nil
	}
	name, err = hostNames.ToASCII(host)
	// A name that changes when it is mapped a second time could pass here and be looked up as another.
	if again, twice := hostNames.ToASCII(name); err != nil || twice != nil || again != name || name == "" ||
		strings.HasSuffix(name, ".") {
		return "", netip.Addr{}, fmt.Errorf("%q is not the name of a host", clean(host, 60))
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if !looksNumeric(last) {
		return name, netip.Addr{}, nil
	}
	if number, err = netip.ParseAddr(name); err != nil {
		return "", netip.Addr{}, fmt.Errorf("%q is not an IP address in the usual notation", clean(host, 60))
	}
	return name, number, nil
}

// looksNumeric reports whether a resolver may take a name with this last label for an IP address.
func looksNumeric(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// isSpecial reports whether a name means nothing on the public network: a single label, or a reserved last label.
func isSpecial(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return true
	}
	for _, end := range special {
		if name[dot+1:] == end {
			return true
		}
	}
	return false
}

func (g *guard) allowed(number netip.Addr) bool {
	for _, prefix := range g.allow {
		if prefix.Contains(number.Unmap()) {
			return true
		}
	}
	return false
}

// allowedIP reports whether an address has an allowed IP address as its host.
func (g *guard) allowedIP(u *url.URL) bool {
	number, err := netip.ParseAddr(u.Hostname())
	return err == nil && g.allowed(number)
}

// dial connects to a host that check has passed. The kind of the address decides which IP addresses its name may
// have.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	// A bare IP address has port 443, too. It passed check only because it is allowed, and controlPublic lets it
	// through.
	if port == "443" && !isSpecial(host) {
		return g.toPublic.DialContext(ctx, network, address)
	}
	return g.toAllowedOnly.DialContext(ctx, network, address)
}

// controlPublic checks the IP address that is about to be dialled, after the lookup of the name. So a name whose DNS
// answer changes between check and connection gains nothing.
func (g *guard) controlPublic(_, address string, _ syscall.RawConn) error {
	number, err := dialled(address)
	if err != nil || g.allowed(number) {
		return err
	}
	if err := g.public.SafeAddr(number); err != nil || embedsIPv4(number) {
		return fmt.Errorf("%w: %s is not a public IP address", ErrRefused, number)
	}
	return nil
}

// controlAllowed is controlPublic for irregular addresses.
func (g *guard) controlAllowed(_, address string, _ syscall.RawConn) error {
	number, err := dialled(address)
	if err == nil && !g.allowed(number) {
		err = fmt.Errorf("%w: only https on port 443 and public host names are allowed", ErrRefused)
	}
	return err
}

func dialled(address string) (netip.Addr, error) {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	// Unmap turns ::ffff:10.0.0.1 into 10.0.0.1, which the prefixes know.
	return parsed.Addr().Unmap(), nil
}

// embedsIPv4 reports whether an address is an ISATAP address (RFC 5214), which may have any prefix and ends with an
// IPv4 address. The other embeddings have prefixes of their own, none of them public.
func embedsIPv4(number netip.Addr) bool {
	if !number.Is6() {
		return false
	}
	bytes := number.As16()
	return bytes[8]&^0x03 == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe
}
