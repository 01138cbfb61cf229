package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// identityPage is where an author has another handle, names the accounts they had before, moves away, or leaves for good.
type identityPage struct {
	frame
	Full     string // the handle as people elsewhere write it
	Typed    typed
	Aliases  []alias
	Move     *moving // nil without one
	Leaves   string  // the day on which the author is deleted, "" for none
	Troubles troubles
}

// typed is what the forms of the page held when they could not be taken.
type typed struct{ Handle, Alias, To string }

// alias is another account of the same person; Handle is "" when its server told none.
type alias struct{ ID, Handle string }

// moving is a move that is planned, done, or was called off for a reason.
type moving struct {
	To      string
	Planned bool
	Done    bool
	When    string
	Trouble string // why it waits, or was called off
	Told    string // "3 of 4 servers"
	Gone    string // "12 of 20 followers"
}

func (d *Desk) showIdentity(v *visit) error {
	return d.identity(v, http.StatusOK, typed{}, troubles{})
}

func (d *Desk) identity(v *visit, status int, words typed, t troubles) error {
	f, err := d.frame(v, "profile", "Handle, moving and leaving")
	if err != nil {
		return err
	}
	p := identityPage{frame: f, Full: v.site.Handle(v.author.Handle), Typed: words, Troubles: t}
	if at := v.author.LeavesAt; at != nil {
		p.Leaves = at.In(v.zone).Format("2 January 2006")
	}
	if p.Aliases, err = d.aliases(v); err != nil {
		return err
	}
	if p.Move, err = d.moving(v); err != nil {
		return err
	}
	return d.pages.Render(v.w, status, "admin/identity", p)
}

func (d *Desk) aliases(v *visit) ([]alias, error) {
	known, err := d.store.Actors(v.ctx(), v.author.AlsoKnownAs)
	var list []alias
	for _, id := range v.author.AlsoKnownAs {
		one := alias{ID: id}
		if actor, ok := known[id]; ok {
			one.Handle = "@" + actor.Handle
		}
		list = append(list, one)
	}
	return list, err
}

func (d *Desk) moving(v *visit) (*moving, error) {
	m, err := d.store.LastMove(v.ctx(), v.author.ID)
	if errors.Is(err, blog.ErrNotFound) || err == nil && m.EndedAt != nil && m.Trouble == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	shown := moving{To: m.Target, Planned: m.Planned(), Done: m.MovedAt != nil, When: moment(m.DueAt, v.now, v.zone)}
	if m.Handle != "" {
		shown.To = "@" + m.Handle
	}
	if m.Trouble != "" {
		shown.Trouble = sentence(blog.Invalid{Field: "to", Problem: m.Trouble})
	}
	if !shown.Done {
		return &shown, nil
	}
	progress, err := d.store.MoveProgress(v.ctx(), m)
	shown.When = moment(*m.MovedAt, v.now, v.zone)
	shown.Told = fmt.Sprintf("%s of %s", text.Number(progress.Told), text.Plural(progress.Servers, "server", "servers"))
	shown.Gone = fmt.Sprintf("%s of %s", text.Number(max(0, m.Followers-progress.Stayed)), text.Plural(m.Followers, "follower", "followers"))
	return &shown, err
}

// settle leads on when a form of the page was taken, and shows it again with its words when it was not.
func (d *Desk) settle(v *visit, done string, words typed, t troubles, err error) error {
	if err := t.note(err); err != nil {
		return err
	}
	if len(t) > 0 {
		return d.identity(v, http.StatusUnprocessableEntity, words, t)
	}
	return v.see("/admin/identity?done=" + done)
}

func (d *Desk) rename(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	handle := strings.TrimPrefix(strings.TrimSpace(form.Get("handle")), "@")
	return d.settle(v, "renamed", typed{Handle: handle}, troubles{}, d.outbox.Rename(v.ctx(), v.author.Voice, handle))
}

func (d *Desk) changeAliases(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if gone := form.Get("remove"); gone != "" {
		return d.settle(v, "profile", typed{}, troubles{}, d.outbox.RemoveAlias(v.ctx(), v.author.Voice, gone))
	}
	name := strings.TrimSpace(form.Get("alias"))
	if name == "" {
		err = blog.Invalid{Field: "alias", Problem: "is missing: write it like @ilse@veerhuis.example"}
	} else {
		_, err = d.outbox.AddAlias(v.ctx(), v.author.Voice, name)
	}
	return d.settle(v, "profile", typed{Alias: name}, troubles{}, err)
}

// meant asks for the own handle to be typed before something that cannot be undone.
func (v *visit) meant(field, word string, t troubles) {
	word = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(word), "@"))
	word = strings.TrimSuffix(word, "@"+v.site.HandleDomain)
	if word != v.author.Handle {
		t[field] = trouble{"That is not your handle.", "Type “" + v.author.Handle + "” to show that you mean it."}
	}
}

func (d *Desk) moveAway(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if form.Get("call-off") != "" {
		return d.settle(v, "stays", typed{}, troubles{}, missed(d.outbox.CallOffMove(v.ctx(), v.author.ID)))
	}
	words, t := typed{To: strings.TrimSpace(form.Get("to"))}, troubles{}
	v.meant("move-handle", form.Get("move-handle"), t)
	if words.To == "" {
		t.add("to", "is missing: write it like @ilse@veerhuis.example")
	}
	if len(t) == 0 {
		_, err = d.outbox.Move(v.ctx(), v.author.Voice, words.To, blog.MoveWait)
	}
	return d.settle(v, "moving", words, t, err)
}

// missed lets somebody call off what is not planned any more: what they want is so.
func missed(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

func (d *Desk) leave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if form.Get("call-off") != "" {
		return d.settle(v, "stays", typed{}, troubles{}, d.outbox.CallOffLeave(v.ctx(), v.author.ID))
	}
	t := troubles{}
	v.meant("leave-handle", form.Get("leave-handle"), t)
	if len(t) == 0 {
		err = t.noteAs("leave-handle", d.outbox.PlanLeave(v.ctx(), v.author.ID, d.now().Add(blog.LeaveWait)))
	}
	return d.settle(v, "leaving", typed{}, t, err)
}
