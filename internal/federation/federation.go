// Package federation is what the rooms that speak ActivityPub share: who we are ([Core]), which servers are blocked,
// whose keys and actors are trusted ([Keyring]), how documents of other servers are fetched and read, and the errors
// and log attributes.
//
// Six packages build on it:
//
//   - outbox: what authors do. It builds an activity and, in one transaction, saves the change and queues the
//     deliveries.
//   - inbox: what other servers send. It verifies the signature, handles or queues the activity, and answers after the
//     commit. It also fetches missing replies (backfill).
//   - delivery: sends the queued deliveries.
//   - documents: actors, articles and collections that other servers read, WebFinger and NodeInfo.
//   - doctor: finds out why a blog does not federate, and shows how it reads a document of another server.
//   - jobs: periodic work, such as scheduled articles and fetching old actors again.
//
// No request to another server is made inside a transaction: the transaction would wait for a stranger. What an
// activity needs from another server is fetched before, within a limit.
package federation

import (
	"context"
	"log/slog"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Core is what every room of the federation works with.
type Core struct {
	Site   blog.Site // only for its addresses: name and language may change, and are read from the store
	Store  *store.Store
	Remote *remote.Client
	Now    func() time.Time
	Log    *slog.Logger

	// AllowList blocks every server that is not on the list of allowed servers.
	AllowList bool
}

// learnTime limits how long a request waits while the signature scheme of its server is saved.
const learnTime = 5 * time.Second

// LearnScheme saves until when a server is expected to verify signatures of RFC 9421, as a [remote.Client] found out.
// An error is only logged, since the client can find it out again.
func (b Core) LearnScheme(ctx context.Context, host string, until time.Time) {
	// The request that found it out may be over: what it found is saved all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), learnTime)
	defer cancel()
	if err := b.Store.SaveSignatureScheme(ctx, host, until, b.Now()); err != nil {
		b.Log.Warn("the signature scheme of a server cannot be saved", "host", host, "error", err)
	}
}

// VoiceOf returns our voice with this address, that of the actor or of its page, or blog.ErrNotFound.
func (b Core) VoiceOf(ctx context.Context, s *store.Store, address string) (blog.Voice, error) {
	kind, id, rest, ok := b.Site.Local(address)
	if ok && kind == "actors" && rest == "" {
		return s.Voice(ctx, id)
	}
	return VoiceAt(ctx, s, b.Site.PagePath(address))
}

// VoiceAt returns our voice whose page has this decoded path: an author's, that of a series, or the front page. The
// error is blog.ErrNotFound when no voice has it.
func VoiceAt(ctx context.Context, s *store.Store, path string) (blog.Voice, error) {
	if path == "/" {
		return s.SiteVoice(ctx)
	}
	if handle := blog.HandleIn(path); handle != "" {
		return s.VoiceByHandle(ctx, handle)
	}
	if slug := blog.SeriesIn(path); slug != "" {
		series, err := s.SeriesBySlug(ctx, slug)
		if err != nil {
			return blog.Voice{}, err
		}
		return s.SeriesVoice(ctx, series.ID)
	}
	return blog.Voice{}, blog.ErrNotFound
}

// PostInput collects what the ActivityPub object of an article is made of.
func (b Core) PostInput(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) (
	activity.PostInput, error,
) {
	author, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return activity.PostInput{}, err
	}
	input := activity.PostInput{Site: b.Site, Author: author, Article: a, Mentions: mentions}
	translations, err := s.Translations(ctx, a.ID)
	if err != nil {
		return input, err
	}
	for _, t := range translations {
		if !t.Draft {
			input.Translations = append(input.Translations, t.Text)
		}
	}
	ids := a.PictureIDs()
	pictures, err := s.Pictures(ctx, append(ids, a.PictureID))
	if err != nil {
		return input, err
	}
	for _, id := range ids {
		if p, ok := pictures[id]; ok && id != a.PictureID {
			input.Inline = append(input.Inline, p)
		}
	}
	if hero, ok := pictures[a.PictureID]; ok {
		input.Picture = &hero
	}
	return input, nil
}
