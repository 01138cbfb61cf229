// Package signature signs HTTP requests to other servers and verifies the signatures of their requests.
//
// Servers use two dialects. The older is draft 12 of Cavage and Sporny, "Signing HTTP Messages", which nearly all
// servers accept: [Sign] writes it. The newer is RFC 9421, which some servers try first. [Verify] reads both and
// answers one question: which key signed exactly these bytes, for this address of ours, at about this time?
//
// Both are written here, not taken from a library. Each needs only a small profile: a few components, RSA and
// Ed25519, our limits of time and size. No library gives one answer for both dialects, or keeps our errors apart: a
// key that does not fit is fetched again, a malformed header is not. The parsers are fuzzed, and tests check the
// package against two libraries: go-fed/httpsig for Cavage, remitly-oss/httpsig-go for RFC 9421.
//
// The package does no I/O. The caller of [Verify] passes the function that finds a key, and so decides what may be
// fetched because of an unverified request.
package signature

import "errors"

// The errors of [Verify]. An error of the caller's own key lookup is none of these; it comes back wrapped.
var (
	// ErrUnsigned means that the request has no signature.
	ErrUnsigned = errors.New("the request is not signed")

	// ErrMalformed means that the signature headers cannot be read (400).
	ErrMalformed = errors.New("malformed signature")

	// ErrRefused means that the signature can be read but proves nothing (401).
	ErrRefused = errors.New("signature refused")

	// ErrMismatch is the ErrRefused for a signature with no other fault than that the key does not fit. It is the only
	// one that a fresh copy of the key can cure.
	ErrMismatch = refused("it does not match the key")
)
