package admin

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
	"causerie/internal/text"
)

// publishPage asks the last questions: when, for whom, in which form; and says how far it goes.
type publishPage struct {
	frame
	Article    blog.Article
	Saved      string
	When       string // now or later
	Date       string // of a datetime-local field
	Zone       string
	Visibility string
	Format     string
	Audiences  []audience
	Cards      []card
	Told       string // people named in the text
	Checks     checks
	Errors     fieldErrors
}

// Elsewhere are the troubles with what is not on this page, each with the way to where it is.
func (p publishPage) Elsewhere() fieldErrors {
	list := fieldErrors{}
	for field, t := range p.Errors {
		if field != "date" && field != "visibility" && field != "format" {
			list[field] = t
		}
	}
	return list
}

// Nearby are those with what is on this page.
func (p publishPage) Nearby() fieldErrors {
	list := maps.Clone(p.Errors)
	for field := range p.Elsewhere() {
		delete(list, field)
	}
	return list
}

// audience is one answer to the question for whom.
type audience struct{ Value, Word, Reach string }

// card is one form an article can travel in, as a reader of Mastodon sees it.
type card struct {
	Value, Word, Hint string
	Title             string // larger, for an Article
	Warning           string // folds the rest away
	Body              template.HTML
	Link              string
	Tags              []string
	Picture           *picture
	Preview           bool       // with a link preview below, which has the picture
	Below             []*picture // of a Note with the whole text
}

const (
	later      = "later"
	dateLayout = "2006-01-02T15:04"
)

func (h *Handler) showPublish(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	if a.Status == blog.Published {
		return req.redirect("/admin/articles/" + string(a.ID) + "/report")
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	p := publishPage{When: "now", Visibility: string(a.Visibility), Format: string(a.Format), Saved: token(a.SavedAt),
		Errors: fieldErrors{}}
	p.Date = req.now.In(req.zone).Add(24 * time.Hour).Truncate(time.Hour).Format(dateLayout)
	if a.ScheduledAt != nil {
		p.When, p.Date = later, a.ScheduledAt.In(req.zone).Format(dateLayout)
	}
	return h.askPublish(req, http.StatusOK, a, p)
}

func (h *Handler) askPublish(req *request, status int, a blog.Article, p publishPage) error {
	f, err := h.frame(req, "articles", "Publish: "+titled(a))
	if err != nil {
		return err
	}
	p.frame, p.Article, p.Zone = f, a, req.zone.String()
	rendered, err := h.library.Compose(req.ctx(), &a, nil)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if p.Checks, err = h.check(req.ctx(), a, rendered); err != nil {
		return err
	}
	if p.Audiences, err = h.audiences(req, a); err != nil {
		return err
	}
	hero, err := h.hero(req.ctx(), a)
	if err != nil {
		return err
	}
	if a.Slug, err = h.authoring().SlugOf(req.ctx(), a.ID, a.Text); err != nil {
		return err
	}
	p.Cards = req.cards(a, rendered, hero)
	if len(rendered.Mentions) > 0 {
		p.Told = list(rendered.Mentions) + " will be told that you name them."
	}
	return h.pages.Render(req.w, status, "admin/publish", p)
}

// audiences says of each answer how far it goes.
func (h *Handler) audiences(req *request, a blog.Article) ([]audience, error) {
	reach := "goes to nobody elsewhere yet: its author has no followers"
	if a.VoiceID == req.author.ID {
		reach = "goes to nobody elsewhere yet: you have no followers"
	}
	n, err := h.store.CountFollowers(req.ctx(), a.VoiceID)
	if err != nil {
		return nil, err
	}
	if n.Accepted > 0 {
		reach = "goes to " + text.Plural(n.Accepted, "follower", "followers") + " on " +
			text.Plural(n.Servers, "server", "servers")
	}
	wrote, err := h.countCarried(req, coauthors(a))
	if err != nil {
		return nil, err
	}
	announced, err := h.countCarried(req, h.announcers(a))
	if err != nil {
		return nil, err
	}
	carried := ""
	if wrote > 0 {
		carried = ", and is carried on to " + text.Plural(wrote, "follower", "followers") + " of those who wrote with you"
	}
	everywhere := carried
	if announced > 0 {
		everywhere += ", and is announced to " + text.Plural(announced, "follower", "followers") +
			" of the blog or the series"
	}
	return []audience{
		{string(blog.Public), "Public", "On the front page and in the feeds; " + reach + everywhere + "."},
		{string(blog.Unlisted), "Unlisted", "For whoever has the address, not on the front page or in feeds; " + reach +
			carried + "."},
		{string(blog.Followers), "Followers only", "Not on the web; " + reach + "."},
		{string(blog.Local), "Only here", "On the front page and in the feeds; not sent to any server."},
	}, nil
}

// coauthors are the voices of ours that wrote an article with its owner.
func coauthors(a blog.Article) []account.FindVoice {
	var list []account.FindVoice
	for _, by := range a.Authors {
		if by.VoiceID != "" && by.VoiceID != a.VoiceID {
			list = append(list, func(context.Context) (blog.Voice, error) { return blog.Voice{ID: by.VoiceID}, nil })
		}
	}
	return list
}

// announcers are the voices of the blog and of the article's series.
func (h *Handler) announcers(a blog.Article) []account.FindVoice {
	return []account.FindVoice{h.store.SiteVoice, func(ctx context.Context) (blog.Voice, error) {
		series, err := h.store.WishedSeries(ctx, a)
		if err != nil {
			return blog.Voice{}, err
		}
		return h.store.SeriesVoice(ctx, series.ID)
	}}
}

// countCarried counts the followers of those of the voices that are there and speak.
func (h *Handler) countCarried(req *request, voices []account.FindVoice) (int, error) {
	total := 0
	for _, find := range voices {
		voice, err := find(req.ctx())
		if errors.Is(err, blog.ErrNotFound) || err == nil && !voice.Followable() {
			continue
		}
		if err != nil {
			return 0, err
		}
		n, err := h.store.CountFollowers(req.ctx(), voice.ID)
		if err != nil {
			return 0, err
		}
		total += n.Accepted
	}
	return total, nil
}

// cards shows the three forms as Mastodon does (contract F-027 to F-031).
func (req *request) cards(a blog.Article, r markup.Rendered, hero *picture) []card {
	month := a.Month
	if month == "" {
		month = req.now.In(req.site.Location()).Format("2006/01")
	}
	link := req.site.Host() + "/" + month + "/" + a.Slug
	paragraph := func(text string) template.HTML {
		if text == "" {
			return ""
		}
		return template.HTML("<p>" + template.HTMLEscapeString(text) + "</p>")
	}
	strong := template.HTML("<p><b>" + template.HTMLEscapeString(a.Title) + "</b></p>")
	list := []card{
		{Value: string(blog.FullArticle), Word: "Article",
			Hint: "Mastodon shows title, summary and a link; readers of blogs elsewhere get the whole text. GoToSocial shows " +
				"the summary as a content warning, and the title nowhere.",
			Title: a.Title, Body: paragraph(a.Summary), Link: link, Preview: true},
		{Value: string(blog.TeaserNote), Word: "Note with a link",
			Hint: "Looks the same on every server: title, summary and a link.",
			Body: strong + paragraph(a.Summary), Link: link, Tags: a.Tags, Preview: true},
		{Value: string(blog.FullNote), Word: "Note with the whole text",
			Hint: "Readers stay where they are; the best form for readers on GoToSocial. For short pieces: Mastodon folds " +
				"long ones, and drops tables and notes.",
			Body: strong + req.asNote(a, r), Link: link, Tags: a.Tags, Below: attached(hero, r.Images)},
	}
	for i := range list {
		list[i].Picture = hero
		if list[i].Value != string(blog.FullArticle) {
			list[i].Warning = a.Warning
		}
	}
	return list
}

// asNote is the whole text as Mastodon keeps it of what it is sent. It links nowhere, so that nobody leaves the form by
// it.
func (req *request) asNote(a blog.Article, r markup.Rendered) template.HTML {
	sent := markup.Federated(r.HTML, markup.NoteHTML, req.site.ArticlePage(a))
	return markup.StripLinks(markup.Clean(string(sent)).HTML).HTML()
}

// attached are the pictures below a Note: four of them, the one at the head of the article first.
func attached(hero *picture, images []markup.Image) []*picture {
	var list []*picture
	known := map[string]bool{"": true}
	if hero != nil {
		list, known[hero.Src] = append(list, hero), true
	}
	for _, i := range images {
		if p := i.Picture; !known[p.URL] && len(list) < 4 {
			known[p.URL] = true
			list = append(list, &picture{Src: p.URL, Alt: i.Alt, Width: p.Width, Height: p.Height})
		}
	}
	return list
}

// publish saves the answers and lets the article go, now or at its moment.
func (h *Handler) publish(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := publishPage{When: form.Get("when"), Date: form.Get("date"), Visibility: form.Get("visibility"),
		Format: form.Get("format"),
		Saved:  form.Get("saved"), Errors: fieldErrors{}}
	if a.Status == blog.Published { // the button was pressed twice
		return req.redirect("/admin/articles/" + string(a.ID) + "/report")
	}
	if token(a.SavedAt) != p.Saved {
		p.Errors["article"] = fieldError{"The article was changed since you opened this page.",
			"Look it over again; what you see now is what would go out."}
		p.Saved = token(a.SavedAt)
		return h.askPublish(req, http.StatusConflict, a, p)
	}
	done, err := h.letGo(req, &a, p)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		p.Saved = token(a.SavedAt)
		return h.askPublish(req, http.StatusUnprocessableEntity, a, p)
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=" + done)
}

// letGo writes the choices down and publishes or schedules the article. It tells what was done, by its word.
func (h *Handler) letGo(req *request, a *blog.Article, p publishPage) (string, error) {
	a.Visibility, a.Format = blog.Visibility(p.Visibility), blog.Format(p.Format)
	if err := h.authoring().Ready(req.ctx(), a); err != nil {
		return "", err
	}
	if err := h.authoring().SaveDraft(req.ctx(), a, req.author.Handle); err != nil {
		return "", err
	}
	if p.When == later {
		at, err := time.ParseInLocation(dateLayout, p.Date, req.zone)
		if err != nil {
			return "", blog.Invalid{Field: "date", Problem: "is not understood: write it like 2026-11-30T09:00"}
		}
		scheduled, err := h.authoring().Release(req.ctx(), a.ID, &at, 0)
		if err != nil {
			return "", err
		}
		*a = scheduled
		return "scheduled", nil
	}
	first, err := h.store.CountArticles(req.ctx(),
		store.Filter{Voice: req.author.ID, Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}})
	if err != nil {
		return "", err
	}
	published, err := h.authoring().Release(req.ctx(), a.ID, nil, req.author.Hold())
	if err != nil {
		return "", err
	}
	*a = published
	switch {
	case !a.Federates():
		return "local", nil
	case first == 0:
		return "first", nil
	}
	if letters, err := h.store.Reports(req.ctx(), a.ID); err != nil || len(letters) == 0 {
		return "published-here", err
	}
	return "published", nil
}

// unschedule makes a scheduled article a draft again.
func (h *Handler) unschedule(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	if a.Status != blog.Scheduled {
		return blog.ErrConflict
	}
	a.Status, a.ScheduledAt = blog.Draft, nil
	if err := h.store.SaveArticle(req.ctx(), &a, h.now()); err != nil {
		return err
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "?done=draft")
}

// withdrawPage says what taking back means before it is done.
type withdrawPage struct {
	frame
	Article blog.Article
	Holders string // which servers will be asked
}

func (h *Handler) showWithdraw(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	f, err := h.frame(req, "articles", "Take back: "+titled(a))
	if err != nil {
		return err
	}
	p := withdrawPage{frame: f, Article: a}
	if a.Status == blog.Published {
		n, err := h.holders(req.ctx(), a.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			p.Holders = fmt.Sprintf("%s will be asked at once to delete their copies, and that cannot be undone. Most do; "+
				"none can be made to.", upper(text.Plural(n, "server", "servers")))
		}
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/withdraw", p)
}

// holders counts the servers that may have an article.
func (h *Handler) holders(ctx context.Context, article blog.ID) (int, error) {
	letters, err := h.store.Reports(ctx, article)
	n := 0
	for _, s := range blog.ServerStates(letters) {
		if !s.Former && (s.Has() || s.Unsure) {
			n++
		}
	}
	return n, err
}

func (h *Handler) withdraw(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	asked, err := h.holders(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	if err := h.outbox.Withdraw(req.ctx(), a.ID); err != nil && !errors.Is(err, blog.ErrConflict) {
		return err
	}
	said := "withdrawn"
	if asked == 0 {
		said = "withdrawn-here"
	}
	return req.redirect("/admin/articles?tab=withdrawn&done=" + said)
}

func (h *Handler) deleteArticle(req *request) error {
	a, err := h.publishable(req)
	if errors.Is(err, blog.ErrForbidden) { // a contributor may throw an own draft away
		a, err = h.writable(req)
	}
	if err != nil {
		return err
	}
	if err := h.outbox.Delete(req.ctx(), a.ID); err != nil && !errors.Is(err, blog.ErrConflict) {
		return err
	}
	return req.redirect("/admin/articles?tab=deleted&done=deleted")
}
