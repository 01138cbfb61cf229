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

// showHold shows in the toast that a change of the article is not sent yet, and how long it can be undone.
// publicationHeld reports whether the change is the publication itself.
func (h *Handler) showHold(req *request, f *frame, a blog.Article) (publicationHeld bool, err error) {
	hold, err := h.store.Hold(req.ctx(), a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	seconds := text.Plural(int(max(0, hold.Until.Sub(h.now())).Round(time.Second)/time.Second), "second", "seconds")
	f.Toast = &toast{Words: "Saved. It is sent in " + seconds + "; until then you can undo it."}
	alone, err := h.reachesNobody(req, a)
	if err != nil {
		return false, err
	}
	switch {
	case hold.New && alone:
		f.Toast.Words = "Published here. You can undo it for " + seconds + ". Nobody follows you, so nothing is sent."
		if a.VoiceID != req.author.ID {
			f.Toast.Words = "Published here. You can undo it for " + seconds +
				". Nobody follows its author, so nothing is sent."
		}
	case hold.New:
		f.Toast.Words = "Published here. It is sent in " + seconds + "; until then you can undo it."
	// A quiet correction leaves the time of the last change as it was, and is sent to nobody.
	case hold.Before.ChangedAt().Equal(a.ChangedAt()):
		f.Toast.Words = "Corrected, without telling readers. You can undo it for " + seconds + "."
	}
	// A contributor sees that it waits, but may not undo what an editor published.
	if req.author.May(a.VoiceID) {
		f.Toast.Undo = &undo{Action: "/admin/articles/" + string(a.ID) + "/undo"}
	}
	return hold.New, nil
}

// reachesNobody reports whether an article certainly goes to no other server when it is published: no voice that
// sends it has a follower, and it names nobody elsewhere.
func (h *Handler) reachesNobody(req *request, a blog.Article) (bool, error) {
	// A handle in the text may be that of somebody elsewhere. To look it up here would keep the page waiting.
	if strings.Contains(a.Markdown, "@") || a.Answers.Address != "" || a.Quoted.Address != "" {
		return false, nil
	}
	n, err := h.store.CountFollowers(req.ctx(), a.VoiceID)
	if err != nil || n.Accepted > 0 {
		return false, err
	}
	carried, err := h.countCarried(req, append(coauthors(a), h.announcers(a)...))
	return carried == 0, err
}

// undo undoes what was published or saved a moment ago. The undone text comes back into the form, not saved.
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
	// The time to undo ran out while the page was open.
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
	// The button was pressed in the editor, where the author may have typed more since.
	if form.Has("title") {
		typed = readEditorForm(form)
	}
	// The form now holds changes on top of the earlier text, so its token is that of the earlier save.
	typed.Saved = token(former.SavedAt)
	p := editorPage{Article: former, editorForm: typed,
		State: "Undone: readers see the earlier text. Your text is here, not saved", Errors: fieldErrors{}}
	if former.Status != blog.Published {
		if !form.Has("title") || typed == editorFormOf(former, series) {
			return req.redirect("/admin/articles/" + string(a.ID) + "?done=undone")
		}
		p.State = "Undone before it was sent. Your latest text is not saved"
	}
	return h.edit(req, http.StatusOK, p)
}

// tooLate says that the change was sent already, or that there was nobody to send it to.
func (h *Handler) tooLate(req *request, a blog.Article) error {
	flash := "too-late"
	if n, err := h.holders(req.ctx(), a.ID); err != nil {
		return err
	} else if n == 0 {
		flash = "too-late-here"
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=" + flash)
}

// saveHold sets how many seconds the author has to undo something before it is sent.
func (h *Handler) saveHold(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := accountPage{Hold: line(form, "hold"), Errors: fieldErrors{}}
	author := req.author
	if author.HoldSeconds, err = strconv.Atoi(p.Hold); err != nil || author.HoldSeconds < 0 ||
		author.HoldSeconds > blog.LongestHold {
		p.Errors["hold"] = fieldError{"That is not a number of seconds from 0 to " + fmt.Sprint(blog.LongestHold) + ".",
			"Write 10, for example, or 0 to send everything at once."}
		return h.account(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.store.SaveAuthor(req.ctx(), author); err != nil {
		return err
	}
	return req.redirect("/admin/account?done=saved")
}
