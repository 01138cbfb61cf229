package account

import (
	"context"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

const (
	linkLife     = time.Hour          // of a sign-in link
	firstRunLife = 7 * 24 * time.Hour // of the first-run link; each start makes a new one
)

// SignInLink returns an address that signs an author in. It works once, within an hour.
func SignInLink(ctx context.Context, s *store.Store, site blog.Site, author blog.ID, now time.Time) (string, error) {
	token := NewToken()
	err := s.AddLink(ctx, store.Link{TokenHash: HashToken(token), Kind: store.SignInLink, VoiceID: author, CreatedAt: now,
		ExpiresAt: now.Add(linkLife)})
	return site.URL + "/login/link?token=" + token, err
}

// FirstRunLink returns the address at which the first author of a new blog is created. It works once. A new link
// replaces the previous one.
func FirstRunLink(ctx context.Context, s *store.Store, site blog.Site, now time.Time) (string, error) {
	token := NewToken()
	err := s.AddLink(ctx, store.Link{TokenHash: HashToken(token), Kind: store.FirstRunLink, CreatedAt: now,
		ExpiresAt: now.Add(firstRunLife)})
	return site.URL + "/admin/first-run?token=" + token, err
}
