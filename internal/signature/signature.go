// Package signature signs HTTP requests to other servers and verifies the
// signatures of theirs.
//
// Servers use two dialects. The older is draft 12 of Cavage and Sporny, "Signing
// HTTP Messages", which nearly all servers accept: [Sign] writes it. The newer is
// RFC 9421, which some servers try first. [Verify] reads both and answers one
// question: which key signed exactly these bytes, for this address of ours, at
// about this time?
//
// Both are our own, not a library's. Of each only a small profile is spoken: a few
// components, RSA and Ed25519, our limits of time and size. No library gives one
// answer for both dialects, or keeps our errors apart: a key that does not fit is
// fetched again, a malformed header is not. The parsers are fuzzed, and tests check
// the package against two libraries: go-fed/httpsig for Cavage, remitly-oss/httpsig-go
// for RFC 9421.
//
// The package does no I/O. Whoever verifies says how a key is found, and so
// decides what may be fetched on the word of a stranger.
package signature

import "errors"

// The ways in which [Verify] says no. Errors of the caller's own key lookup are
// none of these; they come back wrapped and otherwise untouched.
var (
	// ErrUnsigned means that the request bears no signature at all.
	ErrUnsigned = errors.New("the request is not signed")

	// ErrMalformed means that the signature headers cannot be read (400).
	ErrMalformed = errors.New("malformed signature")

	// ErrRefused means that the signature can be read and proves nothing (401).
	ErrRefused = errors.New("signature refused")

	// ErrMismatch is the kind of ErrRefused in which everything was in order but the
	// key did not fit. It is the only kind that a fresh copy of the key can cure.
	ErrMismatch = refused("it does not match the key")
)
