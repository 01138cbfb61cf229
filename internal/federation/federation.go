// Package federation is the blog's conversation with other servers.
//
// Everything an author says goes through the [Outbox]: it asks the noun, builds the bytes, and in one transaction saves
// the change and writes the letters. Everything the world says comes through the [Inbox]: it judges the signature,
// takes the activity in or keeps it as an arrival, and answers only after the commit. The [Courier] carries letters,
// [Documents] serves what other servers may read, and [Chores] does what must be done from time to time.
//
// No network is asked inside a transaction. What an activity needs from elsewhere is fetched before, within a budget.
package federation

import (
	"context"
	"log/slog"
	"regexp"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Core is what all parts of the room work with.
type Core struct {
	Site   blog.Site // its addresses; what may change of it (name, language) is read where it is shown
	Store  *store.Store
	Remote *remote.Client
	Now    func() time.Time
	Log    *slog.Logger

	// AllowList confines the conversation to the servers that are allowed.
	AllowList bool
}

// learnTime is how long a request may be held up by writing down how its server reads signatures.
const learnTime = 5 * time.Second

// LearnScheme keeps what a remote.Client finds out of how a server reads signatures. When it cannot be written, it is
// found out again another day.
func (b Core) LearnScheme(ctx context.Context, host string, until time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), learnTime)
	defer cancel()
	if err := b.Store.LearnScheme(ctx, host, until, b.Now()); err != nil {
		b.Log.Warn("how a server reads signatures cannot be written down", "host", host, "error", err)
	}
}

// VoiceOf finds the voice of ours that an actor address names.
func (b Core) VoiceOf(ctx context.Context, s *store.Store, address string) (blog.Voice, error) {
	kind, id, rest, ok := b.Site.Local(address)
	if !ok || kind != "actors" || rest != "" {
		return blog.Voice{}, blog.ErrNotFound
	}
	return s.Voice(ctx, id)
}

var mediaFile = regexp.MustCompile(`/media/([0-9A-HJKMNP-TV-Z]{26})-`)

// PostInput gathers all that an article's object on the wire is made of.
func (b Core) PostInput(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) (activity.PostInput, error) {
	author, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return activity.PostInput{}, err
	}
	w := activity.PostInput{Site: b.Site, Author: author, Article: a, Mentions: mentions}
	translations, err := s.Translations(ctx, a.ID)
	if err != nil {
		return w, err
	}
	for _, t := range translations {
		if !t.Draft {
			w.Translations = append(w.Translations, t.Text)
		}
	}
	ids := inlinePictures(a)
	pictures, err := s.Pictures(ctx, append(ids, a.PictureID))
	if err != nil {
		return w, err
	}
	for _, id := range ids {
		if p, ok := pictures[id]; ok && id != a.PictureID {
			w.Inline = append(w.Inline, p)
		}
	}
	if hero, ok := pictures[a.PictureID]; ok {
		w.Picture = &hero
	}
	return w, nil
}

// inlinePictures lists the pictures of our library in an article's text, each once, in their order.
func inlinePictures(a blog.Article) []blog.ID {
	var ids []blog.ID
	known := map[string]bool{}
	for _, found := range mediaFile.FindAllStringSubmatch(a.HTML, -1) {
		if !known[found[1]] {
			known[found[1]] = true
			ids = append(ids, blog.ID(found[1]))
		}
	}
	return ids
}
