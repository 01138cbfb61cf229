package signature

import (
	"crypto"
	"errors"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// rfc9421 reads a signature of RFC 9421 and checks everything that needs no key. It reads the profile that federated
// servers use: whole components, no parameters on components.
func (m message) rfc9421() (claim, error) {
	label, input, err := m.signatureInput()
	if err != nil {
		return claim{}, err
	}
	c := claim{Signed: Signed{Scheme: RFC9421}}
	if c.signature, err = m.signatureValue(label); err != nil {
		return claim{}, err
	}
	var ok bool
	if c.KeyID, ok = param[string](input, "keyid"); !ok {
		return claim{}, refused("it names no key")
	}
	if err := c.chooseRFC9421(input); err != nil {
		return claim{}, err
	}
	if c.At, err = m.rfc9421Time(input); err != nil {
		return claim{}, err
	}
	names, err := componentNames(input)
	if err != nil {
		return claim{}, err
	}
	if err := m.checkRFC9421(names); err != nil {
		return claim{}, err
	}
	text, err := m.signatureBase(names, input)
	c.texts = []string{text}
	return c, err
}

// signatureInput returns the entry of Signature-Input that is judged: its label, and the list of components with its
// parameters.
func (m message) signatureInput() (label string, input httpsfv.InnerList, err error) {
	inputs, err := m.joined("Signature-Input")
	if err != nil {
		return "", input, err
	}
	labels := inputs.Names()
	if len(labels) > 1 {
		labels = m.chosen(inputs)
	}
	if len(labels) != 1 {
		return "", input, refused("it is not clear which of %d is to be judged", len(inputs.Names()))
	}
	member, _ := inputs.Get(labels[0])
	input, ok := member.(httpsfv.InnerList)
	if !ok {
		return "", input, malformed("Signature-Input is not a list of components")
	}
	return labels[0], input, nil
}

// chosen returns the labels of the signatures that are judged: those whose key id is an address, and of several the one
// that the caller chooses.
func (m message) chosen(inputs *httpsfv.Dictionary) (labels []string) {
	var ids []string
	for _, label := range inputs.Names() {
		member, _ := inputs.Get(label)
		input, _ := member.(httpsfv.InnerList)
		if input.Params == nil {
			continue
		}
		if id, ok := param[string](input, "keyid"); ok && checkKeyID(id) == nil {
			labels, ids = append(labels, label), append(ids, id)
		}
	}
	if len(labels) < 2 || m.choose == nil {
		return labels
	}
	if i := m.choose(ids); i >= 0 {
		return labels[i : i+1]
	}
	return labels
}

// signatureValue returns the signature under the same label.
func (m message) signatureValue(label string) ([]byte, error) {
	if len(m.req.Header.Values("Signature")) == 0 {
		return nil, malformed("Signature-Input without Signature")
	}
	values, err := m.joined("Signature")
	if err != nil {
		return nil, err
	}
	member, ok := values.Get(label)
	if !ok {
		return nil, refused("Signature and Signature-Input do not speak of the same one")
	}
	item, _ := member.(httpsfv.Item)
	value, ok := item.Value.([]byte)
	if !ok {
		return nil, malformed("Signature is not a byte sequence")
	}
	return value, nil
}

// joined reads a dictionary that may stand in several headers of one name (RFC 8941, section 4.2).
func (m message) joined(name string) (*httpsfv.Dictionary, error) {
	values := m.req.Header.Values(name)
	parsed, err := m.dictionary(name, strings.Join(values, ", "))
	if len(values) > 1 && errors.Is(err, ErrMalformed) {
		return nil, refused("there are %d headers %s, and not all of this dialect", len(values), name)
	}
	return parsed, err
}

// dictionary reads the value of a header as a structured dictionary (RFC 8941).
func (m message) dictionary(name, value string) (*httpsfv.Dictionary, error) {
	if len(value) > maxHeader {
		return nil, malformed("%d bytes of %s are too many", len(value), name)
	}
	parsed, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil {
		return nil, malformed("%s: %v", name, err)
	}
	written, err := httpsfv.Marshal(parsed)
	if err != nil {
		return nil, malformed("%s: %v", name, err)
	}
	// The parser keeps the last of two equal keys; another may keep the first. A value that is not written as it was
	// sent has more than one reading and is refused.
	if withoutBlanks(written) != withoutBlanks(value) {
		return nil, refused("%s can be read in more than one way", name)
	}
	return parsed, nil
}

func withoutBlanks(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "\t", "")
}

func param[T any](input httpsfv.InnerList, name string) (value T, ok bool) {
	found, ok := input.Params.Get(name)
	if !ok {
		return value, false
	}
	value, ok = found.(T)
	return value, ok
}

// chooseRFC9421 reads alg. It may exclude a kind of key, but the key decides what is checked.
func (c *claim) chooseRFC9421(input httpsfv.InnerList) error {
	alg, given := input.Params.Get("alg")
	if !given || alg == "rsa-v1_5-sha256" {
		c.rsa = []crypto.Hash{crypto.SHA256}
	}
	c.ed25519 = !given || alg == "ed25519"
	if c.rsa == nil && !c.ed25519 {
		return refused("its algorithm is %q", alg)
	}
	return nil
}

func (m message) rfc9421Time(input httpsfv.InnerList) (time.Time, error) {
	created, ok := param[int64](input, "created")
	if !ok || created <= 0 || created > maxUnix {
		return time.Time{}, refused("it does not say when it was created")
	}
	at := time.Unix(created, 0).UTC()
	if err := m.checkTime("creation", at); err != nil {
		return time.Time{}, err
	}
	// An expires that cannot be read is an error and not ignored: its sender wanted the signature to end.
	if _, given := input.Params.Get("expires"); given {
		expires, ok := param[int64](input, "expires")
		if !ok || expires <= 0 || expires > maxUnix {
			return time.Time{}, refused("its expires is not a time")
		}
		if err := m.checkExpires(time.Unix(expires, 0)); err != nil {
			return time.Time{}, err
		}
	}
	return at, nil
}

// componentNames returns what was signed, in order.
func componentNames(input httpsfv.InnerList) ([]string, error) {
	names := make([]string, 0, len(input.Items))
	seen := map[string]bool{}
	for _, item := range input.Items {
		name, ok := item.Value.(string)
		if !ok {
			return nil, malformed("a component without a name")
		}
		// Parameters select a part of a component, such as one query parameter (;name) or one key of a header (;key), or a
		// related request (;req).
		if len(item.Params.Names()) > 0 {
			return nil, refused("it covers a part of %q", name)
		}
		if seen[name] {
			return nil, refused("it covers %q twice", name)
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, nil
}

// checkRFC9421 checks that everything required is covered, and that the digest is that of the body.
func (m message) checkRFC9421(names []string) error {
	covered := set(names)
	if !covered["@method"] {
		return refused("it does not cover @method")
	}
	// The target URI has all of it; without it, host, path and query must each be covered.
	if !covered["@target-uri"] {
		if !covered["@authority"] && !covered["host"] {
			return refused("it does not cover the host")
		}
		if !covered["@path"] && !covered["@request-target"] {
			return refused("it does not cover the path")
		}
		if strings.Contains(m.target, "?") && !covered["@query"] && !covered["@request-target"] {
			return refused("it does not cover the query")
		}
	}
	if needsDigest(m.req.Method) && !covered["content-digest"] {
		return refused("it does not cover content-digest")
	}
	if !covered["content-digest"] {
		return nil
	}
	return m.checkContentDigest()
}

// checkContentDigest compares a Content-Digest header (RFC 9530) with the body. Each known digest must be right, and
// at least one must be known.
func (m message) checkContentDigest() error {
	value, err := m.field("content-digest")
	if err != nil {
		return err
	}
	digests, err := m.dictionary("Content-Digest", value)
	if err != nil {
		return err
	}
	known := false
	for _, name := range digests.Names() {
		if name != "sha-256" && name != "sha-512" {
			continue
		}
		member, _ := digests.Get(name)
		item, _ := member.(httpsfv.Item)
		sum, _ := item.Value.([]byte)
		if !equalsDigest(name, sum, m.body) {
			return refused("its digest is not that of the body")
		}
		known = true
	}
	if !known {
		return refused("its digest is of a kind that we do not know")
	}
	return nil
}

// signatureBase rebuilds the text that was signed (RFC 9421, section 2.5).
func (m message) signatureBase(names []string, input httpsfv.InnerList) (string, error) {
	// Marshal writes the list as RFC 8941 does, and so did the signer. dictionary has compared both spellings.
	params, err := httpsfv.Marshal(httpsfv.List{input})
	if err != nil {
		return "", malformed("Signature-Input: %v", err)
	}
	var text strings.Builder
	for _, name := range names {
		value, err := m.component(name)
		if err != nil {
			return "", err
		}
		text.WriteString(`"` + name + `": ` + value + "\n")
	}
	text.WriteString(`"@signature-params": ` + params)
	return text.String(), nil
}

// component returns the value of a component (RFC 9421, sections 2.1 and 2.2).
func (m message) component(name string) (string, error) {
	path, query, _ := strings.Cut(m.target, "?")
	// The scheme and host are those of our public address: a proxy may have changed both, and X-Forwarded headers prove
	// nothing.
	host := authority(m.base.Scheme, m.base.Host)
	switch name {
	case "@method":
		return m.req.Method, nil
	case "@target-uri":
		return m.base.Scheme + "://" + host + m.target, nil
	case "@authority":
		return host, nil
	case "@scheme":
		return m.base.Scheme, nil
	case "@request-target":
		return m.target, nil
	case "@path":
		return path, nil
	case "@query":
		return "?" + query, nil
	}
	if strings.HasPrefix(name, "@") || name != strings.ToLower(name) {
		return "", refused("it covers %q, which we cannot rebuild", name)
	}
	return m.field(name)
}
