package blocklist

import (
	"net"
	"strings"

	"golang.org/x/net/idna"
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
