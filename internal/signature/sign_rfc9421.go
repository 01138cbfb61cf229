package signature

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// AcceptSignature is how a server wants requests to be signed, from its header Accept-Signature (RFC 9421, section
// 5.1). The zero value is the set that all servers with RFC 9421 accept: "@method", "@target-uri" and, except for GET
// and HEAD, "content-digest", with the parameters created and keyid, under the label "sig1".
type AcceptSignature struct {
	label      string
	components []string
	parameters []parameter
}

type parameter struct {
	name  string
	value any // nil where it is ours to say
}

// SignRFC9421 signs a request with an exact body in the newer dialect, RFC 9421, as its server wishes. It sets
// Signature-Input, Signature and whatever of Content-Digest (RFC 9530) and Date is covered, and takes away what Sign
// set. Like Sign it may be called by many goroutines at once.
func SignRFC9421(req *http.Request, body []byte, key Key, now time.Time, wish AcceptSignature) error {
	if err := makeReady(req, key); err != nil {
		return err
	}
	if wish.components == nil {
		wish = usual(req)
	}
	if req.Header.Get(synchronization) != "" && !slices.Contains(wish.components, synchronization) {
		wish.components = append(slices.Clip(wish.components), synchronization)
	}
	if slices.Contains(wish.components, "content-digest") {
		sum := sha256.Sum256(body)
		req.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	if slices.Contains(wish.components, "date") {
		req.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	names, text := "", ""
	for _, name := range wish.components {
		value, ok := componentOf(req, name)
		if !ok {
			return fmt.Errorf("sign request with %q: it has no %q", key.ID, name)
		}
		names += ` "` + name + `"`
		text += `"` + name + `": ` + value + "\n"
	}
	parameters := "(" + strings.TrimPrefix(names, " ") + ")" + wish.spell(key, now)
	_, signed, err := sign(key.Private, text+`"@signature-params": `+parameters)
	if err != nil {
		return fmt.Errorf("sign request with %q: %w", key.ID, err)
	}
	req.Header.Set("Signature-Input", wish.label+"="+parameters)
	req.Header.Set("Signature", wish.label+"=:"+base64.StdEncoding.EncodeToString(signed)+":")
	return nil
}

func usual(req *http.Request) AcceptSignature {
	w := AcceptSignature{label: "sig1", components: []string{"@method", "@target-uri"},
		parameters: []parameter{{name: "created"}, {name: "keyid"}}}
	if needsDigest(req.Method) {
		w.components = append(w.components, "content-digest")
	}
	return w
}

// lifetime is how long a signature holds whose server wants it to end; within it a clock may be wrong and a queue long.
const lifetime = 5 * time.Minute

// spell writes the parameters in the order in which they were asked for.
func (w AcceptSignature) spell(key Key, now time.Time) string {
	text := ""
	for _, p := range w.parameters {
		text += ";" + p.name + "="
		switch value := p.value.(type) {
		case string:
			text += `"` + value + `"`
		default:
			text += map[string]string{"created": strconv.FormatInt(now.Unix(), 10), "keyid": `"` + key.ID + `"`,
				"expires": strconv.FormatInt(now.Add(lifetime).Unix(), 10)}[p.name]
		}
	}
	return text
}

// componentOf is the value of a component of a request about to be sent; false for what we do not sign: proxies rewrite
// it, or we do not send it.
func componentOf(req *http.Request, name string) (string, bool) {
	switch name {
	case "@method":
		if req.Method == "" {
			return http.MethodGet, true
		}
		return req.Method, true
	case "@target-uri":
		return strings.ToLower(req.URL.Scheme) + "://" + req.Host + req.URL.RequestURI(), true
	case "@authority", "host":
		return req.Host, true
	case "@scheme":
		return strings.ToLower(req.URL.Scheme), true
	case "@request-target":
		return req.URL.RequestURI(), true
	case "@path":
		path, _, _ := strings.Cut(req.URL.RequestURI(), "?")
		return path, true
	case "@query":
		_, query, _ := strings.Cut(req.URL.RequestURI(), "?")
		return "?" + query, true
	case "content-digest", "content-type", "date", synchronization:
		return req.Header.Get(name), req.Header.Get(name) != ""
	}
	return "", false
}

// ParseAcceptSignature reads the Accept-Signature of an answer, for a request like the one that was answered. It is
// false when the server asks for nothing, or for something that we do not sign. The signature always covers the method,
// the server, the whole target and the body, so that it cannot be replayed against another server.
func ParseAcceptSignature(answer http.Header, req *http.Request, key Key) (AcceptSignature, bool) {
	values := answer.Values("Accept-Signature")
	if len(values) == 0 || len(strings.Join(values, ",")) > maxHeader {
		return AcceptSignature{}, false
	}
	asked, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return AcceptSignature{}, false
	}
	for _, label := range asked.Names() {
		member, _ := asked.Get(label)
		if list, ok := member.(httpsfv.InnerList); ok {
			if w, ok := acceptSignatureOf(label, list, req, key); ok {
				return w, true
			}
		}
	}
	return AcceptSignature{}, false
}

func acceptSignatureOf(label string, list httpsfv.InnerList, req *http.Request, key Key) (AcceptSignature, bool) {
	names, err := componentNames(list)
	if err != nil || !binds(set(names), needsDigest(req.Method)) {
		return AcceptSignature{}, false
	}
	for _, name := range names {
		_, there := componentOf(req, name)
		if made := name == "date" || name == "content-digest"; !there && !made {
			return AcceptSignature{}, false
		}
	}
	w := AcceptSignature{label: label, components: names}
	for _, name := range list.Params.Names() {
		value, _ := list.Params.Get(name)
		p, ok := parameterOf(name, value, key)
		if !ok {
			return AcceptSignature{}, false
		}
		w.parameters = append(w.parameters, p)
	}
	for _, name := range []string{"created", "keyid"} { // without which no server can judge it
		if !slices.ContainsFunc(w.parameters, func(p parameter) bool { return p.name == name }) {
			w.parameters = append(w.parameters, parameter{name: name})
		}
	}
	return w, true
}

// binds reports whether a signature over these components is good for one request to one server alone.
func binds(covered map[string]bool, body bool) bool {
	host := covered["@target-uri"] || covered["@authority"] || covered["host"]
	target := covered["@target-uri"] || covered["@request-target"] || covered["@path"] && covered["@query"]
	return covered["@method"] && host && target && (!body || covered["content-digest"])
}

// parameterOf is a parameter as it was asked for: what is the signer's to say is asked for by name alone, or must be
// what it would be anyway; a nonce or a tag is given back.
func parameterOf(name string, value any, key Key) (parameter, bool) {
	text, isText := value.(string)
	switch name {
	case "created", "expires":
		return parameter{name: name}, value == true
	case "keyid":
		return parameter{name: name}, value == true || text == key.ID
	case "alg":
		return parameter{name, text}, text == algorithmOf(key)
	case "nonce", "tag":
		return parameter{name, text}, isText && !strings.ContainsAny(text, `"\\`)
	}
	return parameter{}, false
}

func algorithmOf(key Key) string {
	if _, ok := key.Private.Public().(*rsa.PublicKey); ok {
		return "rsa-v1_5-sha256"
	}
	return "ed25519"
}
