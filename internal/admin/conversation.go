package admin

import (
	"errors"
	"time"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// conversation is what was found of an article's conversation on other servers.
type conversation struct {
	Sentence string
	Untaken  []string // why some answers were not taken, one sentence each
	Next     string   // when it is read again by itself
	CanFetch bool     // nobody is at it
}

// conversation tells how far the conversation under an article is complete; nil when it can have none elsewhere.
func (h *Handler) conversation(req *request, a blog.Article) (*conversation, error) {
	if a.Status != blog.Published || !a.Federates() {
		return nil, nil
	}
	state, err := h.store.CompletionOf(req.ctx(), a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return &conversation{Sentence: "Nobody has answered yet, so there is no other server to ask.", CanFetch: true}, nil
	}
	if err != nil {
		return nil, err
	}
	due := state.DueAt != nil && !state.DueAt.After(req.now)
	if state.FreeAt.After(req.now) || due {
		return &conversation{Sentence: "The other servers are being asked now. Look again in a moment."}, nil
	}
	c := &conversation{Sentence: "The other servers have not been asked yet.", CanFetch: true}
	if state.RanAt != nil {
		c.Sentence = found(state.Found) + " That was " + when(*state.RanAt, req.now, req.zone) + "."
		c.Untaken = untaken(state.Found)
	}
	if state.DueAt != nil {
		c.Next = when(*state.DueAt, req.now, req.zone)
	}
	return c, nil
}

// found says in one sentence what came of asking.
func found(c blog.Completion) string {
	if c.Servers == 0 && len(c.Untaken) == 0 {
		return "There was no server to ask: nobody’s server lists what answers them."
	}
	words := "Asked " + text.Plural(c.Servers, "server", "servers") + ": "
	switch {
	case c.New == 0 && c.Listed == 0:
		words += "none lists any more answers."
	case c.New == 0:
		words += "no answer that is not here."
	default:
		words += text.Plural(c.New, "new comment", "new comments") + "."
	}
	if c.Cut {
		words += " There is more than one reading may take; the next goes on."
	}
	return words
}

// untaken says of each reason how many answers, or lists of answers, came to nothing by it.
func untaken(c blog.Completion) []string {
	var lines []string
	for _, u := range c.Untaken {
		words := upper(text.InWords(u.N)) + " not taken: " + u.Why
		if len(u.Servers) > 0 {
			words += " (" + list(u.Servers) + ")"
		}
		lines = append(lines, words+".")
	}
	return lines
}

// fetchReplies lets the conversation under an article be completed now; whoever does that finds it in the store.
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
	state, err := h.store.CompletionOf(req.ctx(), a.ID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if done := state.RanAt; done == nil || req.now.Sub(*done) > restOfServers {
		if err := h.store.AskCompletion(req.ctx(), a.ID, req.now); err != nil {
			return err
		}
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=fetching#conversation")
}

// restOfServers is how long nobody else's server is asked again, however often the button is pressed.
const restOfServers = time.Minute
