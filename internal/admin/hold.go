package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// tellHold lets a page open with what of an article has not left yet, and for how long it can be undone. It tells
// whether that is the publication itself.
func (h *Handler) tellHold(req *request, f *frame, a blog.Article) (unpublished bool, err error) {
	hold, err := h.store.Hold(req.ctx(), a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	seconds := text.Plural(int(max(0, hold.Until.Sub(h.now())).Round(time.Second)/time.Second), "second", "seconds")
	f.Toast = &toast{Words: "Saved. It leaves in " + seconds + "; until then no other server hears of it."}
	switch {
	case hold.New:
		f.Toast.Words = "Published here. It leaves in " + seconds + "; until then no other server hears of it."
	case hold.Before.ChangedAt().Equal(a.ChangedAt()): // of which nobody hears in any case
		f.Toast.Words = "Corrected, without telling readers. For " + seconds + " it can be undone."
	}
	if req.author.May(a.VoiceID) {
		f.Toast.Undo = &undo{Action: "/admin/articles/" + string(a.ID) + "/undo"}
	}
	return hold.New, nil
}

// undo takes back what was published or saved a moment ago. Changed words come back into the form, not saved.
func (h *Handler) undo(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	undone, err := h.outbox.Undo(req.ctx(), a.ID)
	if errors.Is(err, blog.ErrConflict) {
		return h.tooLate(req, a)
	}
	if err != nil {
		return err
	}
	former, err := h.store.Article(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	series, err := h.store.SeriesOf(req.ctx(), undone)
	if err != nil {
		return err
	}
	typed := editorFormOf(undone, series)
	if form.Has("title") { // pressed in the editor, where somebody may have gone on writing
		typed = readEditorForm(form)
	}
	typed.Saved = token(former.SavedAt)
	p := editorPage{Article: former, editorForm: typed,
		State: "Taken back: readers see the former words. These are yours, not saved", Errors: fieldErrors{}}
	if former.Status != blog.Published {
		if !form.Has("title") || typed == editorFormOf(former, series) {
			return req.redirect("/admin/articles/" + string(a.ID) + "?done=undone")
		}
		p.State = "Taken back before it left. Your last words are not saved"
	}
	return h.edit(req, http.StatusOK, p)
}

// tooLate says that it has left, if there was anywhere to go.
func (h *Handler) tooLate(req *request, a blog.Article) error {
	said := "too-late"
	if n, err := h.holders(req.ctx(), a.ID); err != nil {
		return err
	} else if n == 0 {
		said = "too-late-here"
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=" + said)
}

// saveHold sets how long nothing leaves of what the author lets go here.
func (h *Handler) saveHold(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := accountPage{Hold: strings.TrimSpace(form.Get("hold")), Errors: fieldErrors{}}
	author := req.author
	if author.HoldSeconds, err = strconv.Atoi(p.Hold); err != nil || author.HoldSeconds < 0 ||
		author.HoldSeconds > blog.LongestHold {
		p.Errors["hold"] = fieldError{"That is not a number of seconds from 0 to " + fmt.Sprint(blog.LongestHold) + ".",
			"Write 10, say, or 0 to let everything leave at once."}
		return h.account(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.store.SaveAuthor(req.ctx(), author); err != nil {
		return err
	}
	return req.redirect("/admin/account?done=saved")
}
