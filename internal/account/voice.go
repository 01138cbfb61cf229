package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// EnableSiteVoice switches the voice of the blog on: people can follow it, and it announces every public article from
// now on. With an empty handle, the handle is made from the domain. A voice that was switched off keeps its handle.
// Errors: blog.Invalid, also for a handle that somebody has or had.
func EnableSiteVoice(ctx context.Context, s *store.Store, handle string, now time.Time) (blog.Voice, error) {
	site, err := s.Site(ctx)
	if err != nil {
		return blog.Voice{}, err
	}
	label, _, _ := strings.Cut(site.HandleDomain, ".")
	return activate(ctx, s, voiceRequest{find: s.SiteVoice, handle: handle, usual: label,
		voice: blog.Voice{Kind: blog.SiteVoice, Name: site.Name, Summary: site.Description}}, now)
}

// EnableSeriesVoice switches the voice of a series on: people can follow it, and it announces every public part from
// now on. With an empty handle, the handle is made from the slug of the series. Its errors are those of
// EnableSiteVoice.
func EnableSeriesVoice(ctx context.Context, s *store.Store, series blog.Series, handle string,
	now time.Time) (blog.Voice, error) {
	find := func(ctx context.Context) (blog.Voice, error) { return s.SeriesVoice(ctx, series.ID) }
	return activate(ctx, s, voiceRequest{find: find, handle: handle, usual: series.Slug, series: series.ID,
		voice: blog.Voice{Kind: blog.SeriesVoice, Name: series.Title, Summary: series.Description}}, now)
}

// voiceRequest is the voice to switch on. usual is the name from which its handle is made, when handle is empty.
type voiceRequest struct {
	find          FindVoice
	handle, usual string
	voice         blog.Voice
	series        blog.ID
}

// activate switches a voice on: one that exists already, or a new one.
func activate(ctx context.Context, s *store.Store, request voiceRequest, now time.Time) (blog.Voice, error) {
	wanted := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(request.handle), "@"))
	known, err := request.find(ctx)
	// Other servers know the voice by its handle, so it never changes.
	if err == nil && wanted != "" && wanted != known.Handle {
		return known, blog.Invalid{Field: "handle",
			Problem: fmt.Sprintf("is “%s” already and stays so: people follow it by this name", known.Handle)}
	}
	// The voice exists: it was switched off, or is on already.
	if err == nil {
		known.SilentAt = nil
		return known, s.SetVoiceSilent(ctx, known.ID, nil, now)
	}
	if !errors.Is(err, blog.ErrNotFound) {
		return known, err
	}
	if wanted == "" {
		wanted = handleFrom(request.usual)
	}
	return addVoice(ctx, s, request, wanted, now)
}

// addVoice adds a new voice with keys.
func addVoice(ctx context.Context, s *store.Store, request voiceRequest, handle string,
	now time.Time) (blog.Voice, error) {
	v := request.voice
	if err := blog.ValidHandle(handle); err != nil {
		return v, err
	}
	v.ID, v.Handle, v.CreatedAt, v.UpdatedAt = blog.NewID(now), handle, now, now
	v.Discoverable, v.Indexable = true, true
	// Before the slow keys are made. AddVoice checks again, for a handle that is taken in between.
	switch _, err := s.VoiceByHandle(ctx, handle); {
	case err == nil:
		return v, errTaken(handle)
	case !errors.Is(err, blog.ErrNotFound):
		return v, err
	}
	keys, err := makeKeys(&v)
	if err != nil {
		return v, err
	}
	err = s.AddVoice(ctx, v, keys, request.series)
	switch {
	case errors.Is(err, blog.ErrConflict):
		return v, errTaken(handle)
	case err != nil:
		return v, err
	}
	return s.Voice(ctx, v.ID)
}

func errTaken(handle string) error {
	return blog.Invalid{Field: "handle",
		Problem: fmt.Sprintf("“%s” is taken by somebody who has or had it: choose another", handle)}
}

// handleFrom makes a handle from the first label of a domain or from the slug of a series: "four-minutes" becomes
// "four_minutes".
func handleFrom(name string) string {
	handle := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r == '-' || r == '_':
			return '_'
		}
		return -1
	}, strings.ToLower(name))
	return strings.Trim(handle[:min(len(handle), 30)], "_") // as long as blog.ValidHandle allows
}

// DisableVoice switches the voice of the blog or of a series off: it announces nothing and accepts no new followers.
// Its followers stay, and get announcements again when it is switched on.
func DisableVoice(ctx context.Context, s *store.Store, v blog.Voice, now time.Time) (blog.Voice, error) {
	v.SilentAt = &now
	return v, s.SetVoiceSilent(ctx, v.ID, v.SilentAt, now)
}

// FindVoice returns the voice that a page is about; blog.ErrNotFound when there is none.
type FindVoice func(context.Context) (blog.Voice, error)
