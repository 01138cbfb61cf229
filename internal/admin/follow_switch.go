package admin

import (
	"errors"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/text"
)

// voiceBox is the part of a page where a voice of the site or of a series is switched on and off.
type voiceBox struct {
	Handle  string // as people write it, "" before it ever spoke
	On      bool
	Reach   string // who hears it
	Typed   string // a handle to be tried
	Host    string // behind it
	Trouble *fieldTrouble
}

func (d *Desk) voiceBox(v *visit, typed string, t troubles, find account.FindVoice) (voiceBox, error) {
	box := voiceBox{Typed: typed, Host: v.site.HandleDomain, Trouble: t.Of("handle")}
	voice, err := find(v.ctx())
	if errors.Is(err, blog.ErrNotFound) {
		return box, nil
	}
	if err != nil {
		return box, err
	}
	n, err := d.store.CountFollowers(v.ctx(), voice.ID)
	box.Handle, box.On = v.site.Handle(voice.Handle), voice.SilentAt == nil
	box.Reach = text.Plural(n.Accepted, "follower", "followers") + " on " + text.Plural(n.Servers, "server", "servers")
	return box, err
}

// switchVoice does what the pressed button says.
func (d *Desk) switchVoice(v *visit, button string, find account.FindVoice, on func() (blog.Voice, error)) error {
	if button == "on" {
		_, err := on()
		return err
	}
	voice, err := find(v.ctx())
	if err != nil {
		return err
	}
	_, err = account.Silence(v.ctx(), d.store, voice, d.now())
	return err
}

// renameVoice tells the followers of a voice what it is called now, if it has one and that changed.
func (d *Desk) renameVoice(v *visit, find account.FindVoice, name, summary string) error {
	voice, err := find(v.ctx())
	if errors.Is(err, blog.ErrNotFound) || err == nil && voice.Name == name && voice.Summary == summary {
		return nil
	}
	if err != nil {
		return err
	}
	voice.Name, voice.Summary = name, summary
	return d.outbox.Introduce(v.ctx(), voice)
}
