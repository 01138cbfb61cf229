package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"causerie/internal/blog"
)

// tellHold lets a page open with what of an article has not left yet, and for how long it can be undone. It tells whether
// that is the publication itself.
func (d *Desk) tellHold(v *visit, f *frame, a blog.Article) (unpublished bool, err error) {
	hold, err := d.store.Hold(v.ctx(), a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	words := "Saved. "
	if hold.New {
		words = "Published here. "
	}
	seconds := int(max(0, hold.Until.Sub(d.now())).Round(time.Second) / time.Second)
	f.Toast = &toast{Words: words + "It leaves in " + many(seconds, "second", "seconds") + "; until then no other server hears of it."}
	if v.author.May(a.VoiceID) {
		f.Toast.Undo = &undo{Action: "/admin/articles/" + string(a.ID) + "/undo"}
	}
	return hold.New, nil
}

// undo takes back what was published or saved a moment ago. Changed words come back into the form, not saved.
func (d *Desk) undo(v *visit) error {
	a, err := d.publishable(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	undone, err := d.outbox.Undo(v.ctx(), a.ID)
	if errors.Is(err, blog.ErrConflict) {
		return v.see("/admin/articles/" + string(a.ID) + "/report?done=too-late")
	}
	if err != nil {
		return err
	}
	former, err := d.store.Article(v.ctx(), a.ID)
	if err != nil {
		return err
	}
	series, err := d.seriesOf(v.ctx(), undone)
	if err != nil {
		return err
	}
	typed := sheetOf(undone, series)
	if form.Has("title") { // pressed in the editor, where somebody may have gone on writing
		typed = readSheet(form)
	}
	typed.Saved = token(former.SavedAt)
	p := editorPage{Article: former, sheet: typed, State: "Taken back: readers see the former words. These are yours, not saved", Troubles: troubles{}}
	if former.Status != blog.Published {
		if !form.Has("title") || typed == sheetOf(former, series) {
			return v.see("/admin/articles/" + string(a.ID) + "?done=undone")
		}
		p.State = "Taken back before it left. Your last words are not saved"
	}
	return d.edit(v, http.StatusOK, p)
}

// saveHold sets how long nothing leaves of what the author lets go here.
func (d *Desk) saveHold(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := accountPage{Hold: strings.TrimSpace(form.Get("hold")), Troubles: troubles{}}
	author := v.author
	if author.HoldSeconds, err = strconv.Atoi(p.Hold); err != nil || author.HoldSeconds < 0 || author.HoldSeconds > blog.LongestHold {
		p.Troubles["hold"] = trouble{"That is not a number of seconds from 0 to " + fmt.Sprint(blog.LongestHold) + ".", "Write 10, say, or 0 to let everything leave at once."}
		return d.account(v, http.StatusUnprocessableEntity, p)
	}
	if err := d.store.SaveAuthor(v.ctx(), author); err != nil {
		return err
	}
	return v.see("/admin/account?done=saved")
}
