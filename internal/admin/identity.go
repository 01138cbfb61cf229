package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// identityPage is where authors change their handle, list earlier accounts, move to another account, or leave.
type identityPage struct {
	frame
	Full    string // the handle with its server
	Typed   typed
	Aliases []alias
	Move    *moving // nil without one
	Leaves  string  // the day on which the author is deleted; "" for none
	Errors  fieldErrors
}

// typed is what a form of the page held when it had an error.
type typed struct{ Handle, Alias, To string }

// alias is another account of the author. Handle is "" if its server gave none.
type alias struct{ ID, Handle string }

// moving is a move that is planned, done, or was cancelled for a reason.
type moving struct {
	To      string
	Planned bool
	Done    bool
	When    string
	Reason  string // why it waits, or was cancelled
	Told    string // "3 of 4 servers"
	Gone    string // "12 of 20 followers"
}

func (h *Handler) showIdentity(req *request) error {
	return h.identity(req, http.StatusOK, typed{}, fieldErrors{})
}

func (h *Handler) identity(req *request, status int, words typed, t fieldErrors) error {
	f, err := h.frame(req, "profile", "Handle, moving and leaving")
	if err != nil {
		return err
	}
	p := identityPage{frame: f, Full: req.site.Handle(req.author.Handle), Typed: words, Errors: t}
	if at := req.author.LeavesAt; at != nil {
		p.Leaves = at.In(req.zone).Format("2 January 2006")
	}
	if p.Aliases, err = h.aliases(req); err != nil {
		return err
	}
	if p.Move, err = h.moving(req); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/identity", p)
}

func (h *Handler) aliases(req *request) ([]alias, error) {
	known, err := h.store.Actors(req.ctx(), req.author.AlsoKnownAs)
	var list []alias
	for _, id := range req.author.AlsoKnownAs {
		one := alias{ID: id}
		if actor, ok := known[id]; ok {
			one.Handle = "@" + actor.Handle
		}
		list = append(list, one)
	}
	return list, err
}

// moving describes the last move; nil if there is none, or if the author cancelled it.
func (h *Handler) moving(req *request) (*moving, error) {
	m, err := h.store.LastMove(req.ctx(), req.author.ID)
	// A move with EndedAt and without a Reason was cancelled by the author, who needs no reminder.
	if errors.Is(err, blog.ErrNotFound) || err == nil && m.EndedAt != nil && m.Reason == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	shown := moving{To: m.Target, Planned: m.Planned(), Done: m.MovedAt != nil, When: when(m.DueAt, req.now, req.zone)}
	if m.Handle != "" {
		shown.To = "@" + m.Handle
	}
	if m.Reason != "" {
		shown.Reason = sentence(blog.Invalid{Field: "to", Problem: m.Reason})
	}
	if !shown.Done {
		return &shown, nil
	}
	progress, err := h.store.MoveProgress(req.ctx(), m)
	shown.When = when(*m.MovedAt, req.now, req.zone)
	shown.Told = fmt.Sprintf("%s of %s", text.Number(progress.Accepted),
		text.Plural(progress.Servers, "server", "servers"))
	// Followers who joined after the move may make Remaining the larger number.
	shown.Gone = fmt.Sprintf("%s of %s", text.Number(max(0, m.Followers-progress.Remaining)),
		text.Plural(m.Followers, "follower", "followers"))
	return &shown, err
}

// finish redirects after a form was accepted, and shows the page with the typed values if it was not.
func (h *Handler) finish(req *request, done string, words typed, t fieldErrors, err error) error {
	if err := t.add(err); err != nil {
		return err
	}
	if len(t) > 0 {
		return h.identity(req, http.StatusUnprocessableEntity, words, t)
	}
	return req.redirect("/admin/identity?done=" + done)
}

func (h *Handler) rename(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	handle := strings.TrimPrefix(line(form, "handle"), "@")
	return h.finish(req, "renamed", typed{Handle: handle}, fieldErrors{},
		h.outbox.Rename(req.ctx(), req.author.Voice, handle))
}

func (h *Handler) changeAliases(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	if gone := form.Get("remove"); gone != "" {
		return h.finish(req, "profile", typed{}, fieldErrors{}, h.outbox.RemoveAlias(req.ctx(), req.author.Voice, gone))
	}
	name := line(form, "alias")
	if name == "" {
		err = blog.Invalid{Field: "alias", Problem: "is missing: write it like @ilse@veerhuis.example"}
	} else {
		_, err = h.outbox.AddAlias(req.ctx(), req.author.Voice, name)
	}
	return h.finish(req, "profile", typed{Alias: name}, fieldErrors{}, err)
}

// confirmHandle adds an error unless word is the author's own handle. It is asked for before something that cannot be
// undone.
func (req *request) confirmHandle(field, word string, t fieldErrors) {
	word = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(word), "@"))
	word = strings.TrimSuffix(word, "@"+req.site.HandleDomain)
	if word != req.author.Handle {
		t[field] = fieldError{"That is not your handle.", "Type “" + req.author.Handle + "” to confirm."}
	}
}

func (h *Handler) moveAway(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	if form.Get("call-off") != "" {
		// If the move is not planned any more, what they want is true already.
		return h.finish(req, "stays", typed{}, fieldErrors{}, ignoreNotFound(h.outbox.CancelMove(req.ctx(), req.author.ID)))
	}
	words, t := typed{To: line(form, "to")}, fieldErrors{}
	req.confirmHandle("move-handle", form.Get("move-handle"), t)
	if words.To == "" {
		t.addNew("to", "is missing: write it like @ilse@veerhuis.example")
	}
	if len(t) == 0 {
		_, err = h.outbox.Move(req.ctx(), req.author.Voice, words.To, blog.MoveWait)
	}
	return h.finish(req, "moving", words, t, err)
}

func (h *Handler) leave(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	if form.Get("call-off") != "" {
		return h.finish(req, "stays", typed{}, fieldErrors{}, h.outbox.CancelDeletion(req.ctx(), req.author.ID))
	}
	t := fieldErrors{}
	req.confirmHandle("leave-handle", form.Get("leave-handle"), t)
	// The last administrator cannot leave. That error is shown beside the field of this form.
	if len(t) == 0 {
		err = t.addAs("leave-handle", h.outbox.PlanDeletion(req.ctx(), req.author.ID, h.now().Add(blog.LeaveWait)))
	}
	return h.finish(req, "leaving", typed{}, t, err)
}
