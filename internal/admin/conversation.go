package admin

import (
	"errors"
	"time"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// conversation is what is known of the replies to an article on other servers.
type conversation struct {
	Sentence string
	Skipped  []string // why some replies were skipped, one sentence per reason
	Next     string   // when the next run begins
	CanFetch bool     // no run is going on
}

// conversation describes how complete the replies to an article are; nil if it was not sent to other servers.
func (h *Handler) conversation(req *request, a blog.Article) (*conversation, error) {
	if a.Status != blog.Published || !a.Federates() {
		return nil, nil
	}
	state, err := h.store.BackfillOf(req.ctx(), a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return &conversation{Sentence: "Nobody has replied yet, so there is no other server to ask.", CanFetch: true}, nil
	}
	if err != nil {
		return nil, err
	}
	// A run holds a lease until FreeAt. One that is due but not claimed begins within seconds, so the page says the
	// same.
	due := state.DueAt != nil && !state.DueAt.After(req.now)
	if state.FreeAt.After(req.now) || due {
		return &conversation{Sentence: "The other servers are being asked now. Refresh in a moment."}, nil
	}
	c := &conversation{Sentence: "The other servers have not been asked yet.", CanFetch: true}
	if state.RanAt != nil {
		c.Sentence = found(state.Found) + " That was " + when(*state.RanAt, req.now, req.zone) + "."
		c.Skipped = skippedReasons(state.Found)
	}
	if state.DueAt != nil {
		c.Next = when(*state.DueAt, req.now, req.zone)
	}
	return c, nil
}

// found says in one sentence what the last run found.
func found(c blog.BackfillResult) string {
	if c.Servers == 0 && len(c.Skipped) == 0 {
		return "There was no server to ask: no server lists the replies to its posts."
	}
	words := "Asked " + text.Plural(c.Servers, "server", "servers") + ": "
	switch {
	case c.New == 0 && c.Listed == 0:
		words += "none lists more replies."
	case c.New == 0:
		words += "no new reply."
	default:
		words += text.Plural(c.New, "new comment", "new comments") + "."
	}
	if c.Cut {
		words += " There is more than one run may read; the next run continues."
	}
	return words
}

// skippedReasons says for each reason how many replies, or lists of replies, were skipped.
func skippedReasons(c blog.BackfillResult) []string {
	var lines []string
	for _, u := range c.Skipped {
		words := upper(text.InWords(u.N)) + " not taken: " + u.Why
		if len(u.Servers) > 0 {
			words += " (" + joinNames(u.Servers) + ")"
		}
		lines = append(lines, words+".")
	}
	return lines
}

// fetchReplies asks for a run now. The backfill finds the request in the store.
func (h *Handler) fetchReplies(req *request) error {
	a, err := h.articleWithDeliveries(req)
	if err != nil {
		return err
	}
	if !req.author.May(a.VoiceID) {
		return blog.ErrForbidden
	}
	if a.Status != blog.Published || !a.Federates() {
		return blog.ErrConflict
	}
	state, err := h.store.BackfillOf(req.ctx(), a.ID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	// Within the pause the button does nothing, and says the same as after a run.
	if done := state.RanAt; done == nil || req.now.Sub(*done) > fetchPause {
		if err := h.store.RequestBackfill(req.ctx(), a.ID, req.now); err != nil {
			return err
		}
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=fetching#conversation")
}

// fetchPause is the least time between two runs, however often the button is pressed: it is other people's servers
// that are asked.
const fetchPause = time.Minute
