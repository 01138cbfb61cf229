package admin

import (
	"errors"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/text"
)

// voiceBox is the part of a page that switches the voice of the blog or of a series on and off.
type voiceBox struct {
	Handle  string // in full; "" if it was never switched on
	On      bool
	Authors bool   // the blog publishes the collection of its authors
	Reach   string // its followers, in words
	Typed   string // the wanted handle
	Host    string // of the handle
	Problem *fieldProblem
}

// voiceBox fills the box. typed and t come from a form with an error.
func (h *Handler) voiceBox(req *request, typed string, t fieldErrors, find account.FindVoice) (voiceBox, error) {
	box := voiceBox{Typed: typed, Host: req.site.HandleDomain, Problem: t.Of("handle")}
	voice, err := find(req.ctx())
	if errors.Is(err, blog.ErrNotFound) {
		return box, nil
	}
	if err != nil {
		return box, err
	}
	n, err := h.store.CountFollowers(req.ctx(), voice.ID)
	box.Handle, box.On = req.site.Handle(voice.Handle), voice.SilentAt == nil
	box.Authors = voice.FeaturesAuthors()
	box.Reach = text.Plural(n.Accepted, "follower", "followers") + " on " + text.Plural(n.Servers, "server", "servers")
	return box, err
}

// switchVoice switches a voice on or off, as the pressed button says.
func (h *Handler) switchVoice(req *request, button string, find account.FindVoice,
	on func() (blog.Voice, error)) error {
	if button == "on" {
		_, err := on()
		return err
	}
	voice, err := find(req.ctx())
	if err != nil {
		return err
	}
	_, err = account.DisableVoice(req.ctx(), h.store, voice, h.now())
	return err
}

// renameVoice gives a voice a new name and summary, and tells its followers. A missing voice is no error.
func (h *Handler) renameVoice(req *request, find account.FindVoice, name, summary string) error {
	voice, err := find(req.ctx())
	// An unchanged voice is not sent again: every Update goes to all its followers.
	if errors.Is(err, blog.ErrNotFound) || err == nil && voice.Name == name && voice.Summary == summary {
		return nil
	}
	if err != nil {
		return err
	}
	voice.Name, voice.Summary = name, summary
	return h.outbox.SaveProfile(req.ctx(), voice)
}
