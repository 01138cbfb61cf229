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

// SignRFC9421 signs a request with an exact body in the newer dialect, RFC 9421, as its server wants it. It sets
// Signature-Input and Signature, and of Content-Digest (RFC 9530) and Date what is covered. It removes what Sign set.
// Like Sign it may be called by many goroutines at once.
func SignRFC9421(req *http.Request, body []byte, key Key, now time.Time, want AcceptSignature) error {
	if err := prepare(req, key); err != nil {
		return err
	}
	if want.components == nil {
		want = defaultAcceptSignature(req)
	}
	if req.Header.Get(synchronization) != "" && !slices.Contains(want.components, synchronization) {
		// Clip makes append copy: want belongs to the caller, who may sign again with it.
		want.components = append(slices.Clip(want.components), synchronization)
	}
	if slices.Contains(want.components, "content-digest") {
		sum := sha256.Sum256(body)
		req.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	if slices.Contains(want.components, "date") {
		req.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	names, text := "", ""
	for _, name := range want.components {
		value, ok := componentOf(req, name)
		if !ok {
			return fmt.Errorf("sign request with %q: it has no %q", key.ID, name)
		}
		names += ` "` + name + `"`
		text += `"` + name + `": ` + value + "\n"
	}
	parameters := "(" + strings.TrimPrefix(names, " ") + ")" + want.formatParameters(key, now)
	_, signed, err := sign(key.Private, text+`"@signature-params": `+parameters)
	if err != nil {
		return fmt.Errorf("sign request with %q: %w", key.ID, err)
	}
	req.Header.Set("Signature-Input", want.label+"="+parameters)
	req.Header.Set("Signature", want.label+"=:"+base64.StdEncoding.EncodeToString(signed)+":")
	return nil
}

func defaultAcceptSignature(req *http.Request) AcceptSignature {
	w := AcceptSignature{label: "sig1", components: []string{"@method", "@target-uri"},
		parameters: []parameter{{name: "created"}, {name: "keyid"}}}
	if needsDigest(req.Method) {
		w.components = append(w.components, "content-digest")
	}
	return w
}

// lifetime is how long a signature holds if its server wants an end. It leaves room for a wrong clock and a long
// queue.
const lifetime = 5 * time.Minute

// formatParameters writes the parameters in the order in which the server named them.
func (w AcceptSignature) formatParameters(key Key, now time.Time) string {
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

// componentOf returns the value of a component of a request that is about to be sent. It is false for what is not
// signed: proxies rewrite it, or the request does not have it.
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
// false when the server asks for nothing, or for something that we do not sign. The signature always covers the
// method, the server, the whole target and the body, so that it cannot be replayed against another server.
func ParseAcceptSignature(answer http.Header, req *http.Request, key Key) (AcceptSignature, bool) {
	values := answer.Values("Accept-Signature")
	if len(values) == 0 || len(strings.Join(values, ",")) > maxHeader {
		return AcceptSignature{}, false
	}
	asked, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return AcceptSignature{}, false
	}
	// A server may name several sets; the first that we can sign will do.
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
	// Else a server could ask for a signature that it can use elsewhere in our name.
	if err != nil || !bindsRequest(set(names), needsDigest(req.Method)) {
		return AcceptSignature{}, false
	}
	for _, name := range names {
		_, there := componentOf(req, name)
		// These two are set only when the request is signed.
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
	// Without these two no server can verify a signature, whether it asked for them or not.
	for _, name := range []string{"created", "keyid"} { // without which no server can judge it
		if !slices.ContainsFunc(w.parameters, func(p parameter) bool { return p.name == name }) {
			w.parameters = append(w.parameters, parameter{name: name})
		}
	}
	return w, true
}

// bindsRequest reports whether a signature over these components is good for only one request to one server.
func bindsRequest(covered map[string]bool, body bool) bool {
	host := covered["@target-uri"] || covered["@authority"] || covered["host"]
	target := covered["@target-uri"] || covered["@request-target"] || covered["@path"] && covered["@query"]
	return covered["@method"] && host && target && (!body || covered["content-digest"])
}

// parameterOf returns a parameter as the server asked for it. What the signer decides is asked for by name alone, or
// must have the value that it would have anyway. A nonce or a tag is repeated.
func parameterOf(name string, value any, key Key) (parameter, bool) {
	text, isText := value.(string)
	switch name {
	case "created", "expires":
		return parameter{name: name}, value == true
	case "keyid":
		return parameter{name: name}, value == true || text == key.ID
	case "alg":
		return parameter{name, text}, text == algorithmOf(key)
	// A quotation mark or backslash would need escapes in the header, which formatParameters does not write.
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
