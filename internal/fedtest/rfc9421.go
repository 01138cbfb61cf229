package fedtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The newer dialect of signatures, RFC 9421, as Mastodon 4.5 reads it: one signature with the label sig1, RSA with
// SHA-256.

// signatureBase returns the text that is signed (RFC 9421, section 2.5). The request is one that is sent or one that
// arrived.
func signatureBase(r *http.Request, host string, components []string, parameters string) (string, error) {
	var base strings.Builder
	for _, name := range components {
		value := r.Header.Get(name)
		switch name {
		case "@method":
			value = r.Method
		case "@target-uri":
			// All pretend servers and the blog under test speak plain http.
			value = "http://" + host + r.URL.RequestURI()
		case "@authority":
			value = host
		case "@path":
			value = r.URL.EscapedPath()
		case "@query":
			value = "?" + r.URL.RawQuery
		}
		if value == "" {
			return "", fmt.Errorf("there is no %s to sign", name)
		}
		fmt.Fprintf(&base, "%q: %s\n", name, value)
	}
	return base.String() + `"@signature-params": ` + parameters, nil
}

// signRFC9421 signs a request: one signature with the label sig1, RSA with SHA-256, as Mastodon 4.5 reads it.
func (s *signedRequest) signRFC9421(r *http.Request) error {
	components := []string{"@method", "@target-uri"}
	if s.digestOf != nil {
		components = append(components, "content-digest")
		sum := sha256.Sum256(s.digestOf)
		r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	parameters := fmt.Sprintf(`(%s);created=%d;keyid=%q`, quotedNames(components), s.date.Unix(), s.keyID)
	host := r.URL.Host
	if s.host != "" {
		host = s.host
	}
	base, err := signatureBase(r, host, components, parameters)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(base))
	value, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return err
	}
	r.Header.Set("Signature-Input", "sig1="+parameters)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(value)+":")
	return nil
}

func quotedNames(names []string) string {
	return `"` + strings.Join(names, `" "`) + `"`
}

var (
	inputPattern = regexp.MustCompile(`^sig1=(\(([^()]*)\)(;[^()]*))$`)
	valuePattern = regexp.MustCompile(`^sig1=:([A-Za-z0-9+/=]+):$`)
)

// inputParameter returns one parameter of Signature-Input without its quotes, and "" when it is not there.
func inputParameter(h http.Header, name string) string {
	input := inputPattern.FindStringSubmatch(h.Get("Signature-Input"))
	if input == nil {
		return ""
	}
	for part := range strings.SplitSeq(input[3], ";") {
		if key, value, _ := strings.Cut(part, "="); key == name {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// checkRFC9421 checks everything about a signature that needs no key.
func (s *Server) checkRFC9421(r *http.Request, body []byte) error {
	input := inputPattern.FindStringSubmatch(r.Header.Get("Signature-Input"))
	if input == nil {
		return errors.New("signature input cannot be read")
	}
	needed := []string{`"@method"`, `"@target-uri"`}
	if body != nil {
		needed = append(needed, `"content-digest"`)
	}
	for _, name := range needed {
		if !slices.Contains(strings.Fields(input[2]), name) {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	created, err := strconv.ParseInt(inputParameter(r.Header, "created"), 10, 64)
	if err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if off := s.world.config.Now().Sub(time.Unix(created, 0)).Abs(); off > clockWindow {
		return fmt.Errorf("created is off by %s", off)
	}
	sum := sha256.Sum256(body)
	if body != nil && r.Header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		return fmt.Errorf("content digest %s is not that of the body", r.Header.Get("Content-Digest"))
	}
	return nil
}

// verifyRFC9421 checks that the key made the signature.
func (s *Server) verifyRFC9421(r *http.Request, key *rsa.PublicKey) error {
	input := inputPattern.FindStringSubmatch(r.Header.Get("Signature-Input"))
	value := valuePattern.FindStringSubmatch(r.Header.Get("Signature"))
	if input == nil || value == nil {
		return errors.New("signature cannot be read")
	}
	made, err := base64.StdEncoding.DecodeString(value[1])
	if err != nil {
		return err
	}
	base, err := signatureBase(r, s.Host, strings.Fields(strings.ReplaceAll(input[2], `"`, "")), input[1])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(base))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], made)
}
