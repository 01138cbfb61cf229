package signature

import (
	"crypto"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// cavageHeaders returns the values in which a Cavage signature may stand: the Signature header, and Authorization
// with the scheme Signature.
func cavageHeaders(header http.Header) []string {
	return append(slices.Clone(header.Values("Signature")), authorized(header)...)
}

// authorized returns the signatures in Authorization.
func authorized(header http.Header) (found []string) {
	for _, value := range header.Values("Authorization") {
		if scheme, rest, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Signature") {
			found = append(found, rest)
		}
	}
	return found
}

// cavage reads a signature of draft-cavage-http-signatures-12, section 2, and checks everything that needs no key.
func (m message) cavage() (claim, error) {
	found := cavageHeaders(m.req.Header)
	// With two signatures, a proxy and this server could each check another one.
	if len(found) != 1 {
		return claim{}, refused("there are %d of it", len(found))
	}
	params, err := parseParams(found[0])
	if err != nil {
		return claim{}, err
	}
	if algorithm, given := params["algorithm"]; given {
		params["algorithm"] = strings.ToLower(algorithm)
	}
	c := claim{Signed: Signed{KeyID: params["keyid"], Scheme: Cavage}}
	if c.signature, err = base64.StdEncoding.DecodeString(params["signature"]); err != nil || len(c.signature) == 0 {
		return claim{}, refused("its value is not base64")
	}
	if err := c.chooseCavage(params); err != nil {
		return claim{}, err
	}
	names, err := coveredNames(params)
	if err != nil {
		return claim{}, err
	}
	if err := m.checkCavage(names); err != nil {
		return claim{}, err
	}
	if c.At, err = m.cavageTime(names, params); err != nil {
		return claim{}, err
	}
	c.texts, err = m.cavageTexts(names, params)
	return c, err
}

// chooseCavage reads the algorithm. It may exclude a kind of key, but the key decides what is checked.
func (c *claim) chooseCavage(params map[string]string) error {
	algorithm, given := params["algorithm"]
	switch {
	case algorithm == "rsa-sha256":
		c.rsa = []crypto.Hash{crypto.SHA256}
	// The names of older drafts. They say no more than the key does.
	case algorithm == "rsa-sha512":
		c.rsa = []crypto.Hash{crypto.SHA512}
	case algorithm == "ed25519", algorithm == "ed25519-sha512":
		c.ed25519 = true
	case algorithm == "hs2019" || !given:
		// hs2019 leaves the hash to the key. Most senders mean SHA-256, some SHA-512, so both are tried.
		c.rsa = []crypto.Hash{crypto.SHA256, crypto.SHA512}
		c.ed25519 = true
	default:
		return refused("its algorithm is %q", algorithm)
	}
	return nil
}

// coveredNames returns what was signed, in order. Without a list it is the Date alone, which is never enough.
func coveredNames(params map[string]string) ([]string, error) {
	list, given := params["headers"]
	if !given {
		list = "date"
	}
	names := strings.Split(strings.ToLower(list), " ")
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return nil, refused("it covers %q twice", name)
		}
		seen[name] = true
		// The draft forbids both with the older algorithms (section 2.3).
		created := name == "(created)" || name == "(expires)"
		if created && params["algorithm"] != "hs2019" {
			return nil, refused("it covers %s, which only hs2019 may", name)
		}
	}
	return names, nil
}

// checkCavage checks that everything required is covered, and that the digest is that of the body.
func (m message) checkCavage(names []string) error {
	covered := set(names)
	for _, name := range []string{"(request-target)", "host"} {
		if !covered[name] {
			return refused("it does not cover %s", name)
		}
	}
	if needsDigest(m.req.Method) && !covered["digest"] {
		return refused("it does not cover digest")
	}
	// A GET without a digest has no body that matters. With one, it must be right all the same.
	if !covered["digest"] {
		return nil
	}
	value, err := m.field("digest")
	if err != nil {
		return err
	}
	return checkDigest(value, m.body)
}

// cavageTime returns the signed time. A time that stands in the header unsigned cannot make a signature good, but it
// can make it bad.
func (m message) cavageTime(names []string, params map[string]string) (signedAt time.Time, err error) {
	covered := set(names)
	if covered["date"] {
		value, err := m.field("date")
		if err != nil {
			return time.Time{}, err
		}
		if signedAt, err = ParseDate(value); err != nil {
			return time.Time{}, refused("its date cannot be read")
		}
		if err := m.checkTime("date", signedAt); err != nil {
			return time.Time{}, err
		}
	}
	created, err := unixParam(params, "created", covered)
	if err != nil {
		return time.Time{}, err
	}
	if !created.IsZero() {
		if err := m.checkTime("creation", created); err != nil {
			return time.Time{}, err
		}
	}
	expires, err := unixParam(params, "expires", covered)
	if err != nil {
		return time.Time{}, err
	}
	if !expires.IsZero() {
		if err := m.checkExpires(expires); err != nil {
			return time.Time{}, err
		}
	}
	if signedAt.IsZero() && covered["(created)"] {
		signedAt = created
	}
	if signedAt.IsZero() {
		return time.Time{}, refused("it does not cover its time")
	}
	return signedAt.UTC(), nil
}

// unixParam reads created or expires. It returns the zero time when the parameter is neither given nor covered.
func unixParam(params map[string]string, name string, covered map[string]bool) (time.Time, error) {
	value, given := params[name]
	if !given && !covered["("+name+")"] {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds <= 0 || seconds > maxUnix {
		return time.Time{}, refused("its %s is not a time", name)
	}
	return time.Unix(seconds, 0), nil
}

// maxUnix is the end of the year 9999.
const maxUnix = 253402300799

// cavageTexts rebuilds the text that was signed (draft-cavage-http-signatures-12, section 2.3).
func (m message) cavageTexts(names []string, params map[string]string) ([]string, error) {
	targets := []string{m.target}
	// Old Mastodon and WordPress fetch with the query unsigned. What is sent has no such excuse.
	if path, _, query := strings.Cut(m.target, "?"); query && !needsDigest(m.req.Method) {
		targets = append(targets, path)
	}
	var texts []string
	for _, target := range targets {
		lines := make([]string, 0, len(names))
		for _, name := range names {
			value, err := m.cavageValue(name, target, params)
			if err != nil {
				return nil, err
			}
			lines = append(lines, name+": "+value)
		}
		texts = append(texts, strings.Join(lines, "\n"))
	}
	return texts, nil
}

func (m message) cavageValue(name, target string, params map[string]string) (string, error) {
	switch name {
	case "(request-target)":
		return strings.ToLower(m.req.Method) + " " + target, nil
	case "(created)":
		return params["created"], nil
	case "(expires)":
		return params["expires"], nil
	}
	return m.field(name)
}

// parseParams reads the parameters of a Cavage signature (RFC 7235, auth-param): name="text" or name=token, separated
// by commas, with or without blanks. Names are in lower case, so two spellings of one name cannot both be there.
func parseParams(header string) (map[string]string, error) {
	if len(header) > maxHeader {
		return nil, malformed("%d bytes are too many", len(header))
	}
	params := make(map[string]string, 6)
	rest := strings.Trim(header, " \t")
	for {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if !ok || !isToken(name) {
			return nil, malformed("a parameter without a name or value")
		}
		value, after, ok := paramValue(strings.TrimLeft(after, " \t"))
		if !ok {
			return nil, malformed("the value of %s cannot be read", name)
		}
		if _, repeated := params[name]; repeated {
			return nil, refused("it repeats %s", name)
		}
		params[name] = value
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return params, nil
		}
		if after[0] != ',' {
			return nil, malformed("no comma after %s", name)
		}
		rest = strings.TrimLeft(after[1:], " \t")
	}
}

// paramValue reads a quoted or bare value and returns what follows it.
func paramValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], isToken(s[:end])
	}
	value, rest, ok = strings.Cut(s[1:], `"`)
	for _, r := range value {
		// No value that is used needs a backslash, and parsers disagree about what one means. Letters of all scripts are
		// used: in the id of a key.
		if unicode.IsControl(r) || r == utf8.RuneError || r == '\\' {
			return "", "", false
		}
	}
	return value, rest, ok
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for _, r := range []byte(s) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(r)) {
			return false
		}
	}
	return s != ""
}

func set(names []string) map[string]bool {
	covered := make(map[string]bool, len(names))
	for _, name := range names {
		covered[name] = true
	}
	return covered
}
