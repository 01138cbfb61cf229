package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Unreachable says why a server gave no answer. It is an ErrUnavailable.
type Unreachable struct {
	Reason string // for a person: "connection refused"
	Cause  error  // for a log
}

// Error returns the reason.
func (t *Unreachable) Error() string { return t.Reason }

// Unwrap makes it an ErrUnavailable that keeps its cause.
func (t *Unreachable) Unwrap() []error { return []error{ErrUnavailable, t.Cause} }

// StatusError is an answer with a status other than 200. Depending on the status it is an ErrNotFound, ErrGone,
// ErrUnavailable, ErrForbidden or ErrNotActivity.
type StatusError struct {
	Status     int
	RetryAfter time.Duration // the wait that the server asks for, 1 minute to 24 hours; 0: none
}

// Error names the status.
func (e *StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("it answered %d %s", e.Status, http.StatusText(e.Status)))
}

// Unwrap returns what the status means for the caller.
func (e *StatusError) Unwrap() error {
	switch e.Status {
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusGone:
		return ErrGone
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return ErrUnavailable
	// 501 is a 5xx, but it will not change with time, so a retry is useless.
	case http.StatusNotImplemented:
		return ErrForbidden
	}
	switch {
	case e.Status >= 500:
		return ErrUnavailable
	case e.Status >= 400:
		return ErrForbidden
	}
	return ErrNotActivity
}

// ownErrors are the errors that translate passes on unchanged.
var ownErrors = []error{ErrRefused, ErrUnavailable, ErrNotFound, ErrGone, ErrForbidden, ErrNotActivity, errPermit}

// translate turns the error of a connection into an Unreachable. Our own errors are returned unchanged, and so is that
// of the caller's context, because it says nothing about the other server.
func (c *Client) translate(caller context.Context, err error, total time.Duration) error {
	// The context of the call is made from the caller's. If the caller's ended, the deadline of the call says nothing.
	if caller.Err() != nil {
		return caller.Err()
	}
	for _, name := range ownErrors {
		if errors.Is(err, name) {
			return withoutAddress(err)
		}
	}
	return &Unreachable{Reason: c.explain(err, total), Cause: err}
}

// withoutAddress removes what package net puts around an error of the guard: the method and the IP address.
func withoutAddress(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// explain describes an error for a person in a few words. It shows no IP address: only the host name may appear.
func (c *Client) explain(err error, total time.Duration) string {
	if words := explainCertificate(err, c.options.Now()); words != "" {
		return words
	}
	if words := c.explainTime(err, total); words != "" {
		return words
	}
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "no such host"
	case errors.As(err, &lookup):
		return "its name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to it"
	// Our own limit of open files; the other server has no fault.
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many connections are open on our side"
	case speaksNoTLS(err):
		return "it does not speak TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return "it closed the connection"
	}
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return "it refused a secure connection"
	}
	return "its answer could not be understood"
}

// explainTime describes which timeout was reached. The errors of net and net/http for single timeouts are also a
// DeadlineExceeded, so the deadline of the whole call is checked last.
func (c *Client) explainTime(err error, total time.Duration) string {
	var lookup *net.DNSError
	var op *net.OpError
	var slow net.Error
	if !errors.As(err, &slow) || !slow.Timeout() {
		return ""
	}
	switch {
	case errors.As(err, &lookup):
		return "its name could not be looked up within " + durationText(c.options.Dial)
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection within " + durationText(c.options.Dial)
	// net/http exports no types for these two timeouts, only their texts.
	case strings.Contains(err.Error(), "TLS handshake"):
		return "no secure connection within " + durationText(c.options.Handshake)
	case strings.Contains(err.Error(), "response headers"):
		return "no answer within " + durationText(c.options.Header)
	}
	return "no complete answer within " + durationText(total)
}

// speaksNoTLS reports whether the server answered our TLS handshake with something that is not TLS.
func speaksNoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record)
}

func durationText(d time.Duration) string {
	if d == time.Second {
		return "a second"
	}
	if d%time.Second == 0 {
		return fmt.Sprintf("%d seconds", d/time.Second)
	}
	return d.String()
}

func explainCertificate(err error, now time.Time) string {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var any *tls.CertificateVerificationError
	switch {
	// Expired covers both ends of the validity; only the dates show which.
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if now.Before(invalid.Cert.NotBefore) {
			return "its certificate is not valid before " + invalid.Cert.NotBefore.Format("2 January 2006")
		}
		return "its certificate has expired on " + invalid.Cert.NotAfter.Format("2 January 2006")
	case errors.As(err, &name):
		return "its certificate is for another name"
	case errors.As(err, &unknown):
		return "its certificate is from an authority that we do not know"
	case errors.As(err, &any):
		return "its certificate is not valid"
	}
	return ""
}
