package store

import (
	"context"
	"time"
)

// SaveSignatureScheme saves until when a server is believed to accept RFC 9421 signatures only. The zero time deletes
// that.
func (s *Store) SaveSignatureScheme(ctx context.Context, host string, until, now time.Time) error {
	if until.IsZero() {
		// We may have fetched from the server only, so it may have no row yet.
		return s.run(ctx, `UPDATE peers SET signature_scheme = '', scheme_until = NULL WHERE host = ?`, host)
	}
	return s.run(ctx, `
		INSERT INTO peers (host, free_at, signature_scheme, scheme_until) VALUES (?, ?, 'rfc9421', ?)
		ON CONFLICT (host) DO UPDATE SET signature_scheme = excluded.signature_scheme, scheme_until = excluded.scheme_until`,
		host, now, until)
}

// RFC9421Peers returns the servers that are believed to accept RFC 9421 signatures only, and until when.
func (s *Store) RFC9421Peers(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	var list []struct {
		Host        string
		SchemeUntil time.Time
	}
	err := s.all(ctx, &list, `SELECT host, scheme_until FROM peers WHERE scheme_until > ?`, now)
	found := make(map[string]time.Time, len(list))
	for _, peer := range list {
		found[peer.Host] = peer.SchemeUntil
	}
	return found, err
}

// forgetSchemes deletes the rows of servers that we only fetched from, once what we learned is old. A server that was
// never claimed and has nothing waiting never got a delivery.
const forgetSchemes = `DELETE FROM peers WHERE scheme_until < ? AND claims = 0 AND NOT waiting AND last_success IS NULL
	AND last_heard IS NULL`
