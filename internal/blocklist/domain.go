package blocklist

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Domain returns a host as blocks store it: in ASCII and lower case, without a port and without a dot at the end.
func Domain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	// A name that is not valid for IDNA, such as one with an underscore, is kept as it is: it must be possible to block
	// it.
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return strings.ToLower(ascii)
	}
	return strings.ToLower(host)
}

// Owner returns the name under which limits count a host, given with or without a port: its registrable domain, so that
// endless names below one domain count as one. An IP address, a public suffix, and a single label on a test machine
// count with their port.
func Owner(host string) string {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return host
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return host
	}
	return domain
}
