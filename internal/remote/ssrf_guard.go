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

// guard decides where we go. Addresses are of two kinds. Regular ones are https, on the
// usual port, by a public name; they may lead to any public number. All
// others (http, another port, a name such as localhost, a bare number) are
// refused, or, where prefixes are allowed, may lead into those and nowhere else.
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

// names maps a host to its ASCII form (UTS 46), so that look-alikes of dots, digits
// and deliveries are judged as what they are looked up as.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// special are the ends of names that belong to a machine, a local network or nobody (RFC 6761,
// RFC 6762, RFC 8375, RFC 9476, and what routers and ICANN set aside).
var special = []string{
	"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan",
	"arpa", "onion", "alt", "test", "example", "invalid",
}

// parse judges the text of an address and writes it as it will be asked: host in
// lower-case ASCII, no port that goes without saying, no fragment.
func (g *guard) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not an address", ErrRefused)
	}
	return g.judge(u)
}

// follow judges where a redirect leads. From https it never leads to http, but between
// two bare numbers that are both allowed.
func (g *guard) follow(from *url.URL, location string) (*url.URL, error) {
	ref, err := from.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not an address", ErrRefused)
	}
	to, err := g.judge(ref)
	if err != nil {
		return nil, err
	}
	if from.Scheme == "https" && to.Scheme == "http" && !(g.allowedNumber(from) && g.allowedNumber(to)) {
		return nil, fmt.Errorf("%w: it leads from https to http", ErrRefused)
	}
	return to, nil
}

func (g *guard) judge(u *url.URL) (*url.URL, error) {
	refuse := func(format string, args ...any) (*url.URL, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" {
		return refuse("it is not https")
	}
	if len(u.String()) > maxURL {
		return refuse("it is longer than %d bytes", maxURL)
	}
	if u.User != nil {
		return refuse("it names a user")
	}
	host, number, err := parseHost(u.Hostname())
	if err != nil {
		return refuse("%v", err)
	}
	if number.IsValid() && !g.allowed(number) {
		return refuse("it is a bare number")
	}
	port := u.Port()
	if !number.IsValid() {
		irregular := u.Scheme != "https" || port != "" && port != "443" || isSpecial(host)
		if irregular && len(g.allow) == 0 || u.Scheme == "http" && port == "443" {
			return refuse("only https, the usual port and public names are open")
		}
	}
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

// parseHost reads a host as a name in ASCII, or as a number, of which only the one
// usual notation is taken: "127.1", "0x7f.1" and "::ffff:127.0.0.1" are refused. So is a
// name that would be judged otherwise a second time.
func parseHost(host string) (name string, number netip.Addr, err error) {
	if strings.Contains(host, ":") {
		number, err = netip.ParseAddr(host)
		if err != nil || number.Zone() != "" || number.Is4In6() {
			return "", netip.Addr{}, fmt.Errorf("%q is not a number in the usual notation", clean(host, 60))
		}
		return number.String(), number, nil
	}
	name, err = names.ToASCII(host)
	if again, twice := names.ToASCII(name); err != nil || twice != nil || again != name || name == "" ||
		strings.HasSuffix(name, ".") {
		return "", netip.Addr{}, fmt.Errorf("%q is not the name of a host", clean(host, 60))
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if !looksNumeric(last) {
		return name, netip.Addr{}, nil
	}
	if number, err = netip.ParseAddr(name); err != nil {
		return "", netip.Addr{}, fmt.Errorf("%q is not a number in the usual notation", clean(host, 60))
	}
	return name, number, nil
}

// looksNumeric reports whether a resolver may take a name that ends so for a number.
func looksNumeric(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// isSpecial tells names that mean nothing on the public network: single labels and reserved ends.
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

// allowedNumber reports whether an address names an allowed number directly.
func (g *guard) allowedNumber(u *url.URL) bool {
	number, err := netip.ParseAddr(u.Hostname())
	return err == nil && g.allowed(number)
}

// dial connects to a host that judge has passed; which numbers it may turn out to have follows
// from what kind of address it is.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	if port == "443" && !isSpecial(host) {
		return g.toPublic.DialContext(ctx, network, address)
	}
	return g.toAllowedOnly.DialContext(ctx, network, address)
}

// controlPublic sees the number that is about to be dialled, after the lookup of the name.
func (g *guard) controlPublic(_, address string, _ syscall.RawConn) error {
	number, err := dialled(address)
	if err != nil || g.allowed(number) {
		return err
	}
	if err := g.public.SafeAddr(number); err != nil || embedsIPv4(number) {
		return fmt.Errorf("%w: %s is not a public number", ErrRefused, number)
	}
	return nil
}

func (g *guard) controlAllowed(_, address string, _ syscall.RawConn) error {
	number, err := dialled(address)
	if err == nil && !g.allowed(number) {
		err = fmt.Errorf("%w: only https, the usual port and public names are open", ErrRefused)
	}
	return err
}

func dialled(address string) (netip.Addr, error) {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	return parsed.Addr().Unmap(), nil
}

// embedsIPv4 tells ISATAP numbers (RFC 5214), which may have any prefix and end in a number
// of IPv4. The other embeddings have prefixes of their own, none of them public.
func embedsIPv4(number netip.Addr) bool {
	if !number.Is6() {
		return false
	}
	bytes := number.As16()
	return bytes[8]&^0x03 == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe
}
