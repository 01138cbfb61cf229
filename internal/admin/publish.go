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
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/media"
	"causerie/internal/store"
	"causerie/internal/text"
)

// publishPage asks when, for whom and in which format to publish, and shows how many people each choice reaches.
type publishPage struct {
	frame
	Article    blog.Article
	Saved      string
	When       string // "now", "later" or "earlier"
	Federate   bool   // also when the earlier date is old
	Date       string // of a datetime-local field
	Zone       string
	Visibility string
	Format     string
	Audiences  []audience
	Cards      []card
	Told       string // who will be told of a mention, as a sentence
	Checks     checks
	Errors     fieldErrors
}

// Elsewhere are the errors of fields that are not on this page but in the editor.
func (p publishPage) Elsewhere() fieldErrors {
	list := fieldErrors{}
	for field, t := range p.Errors {
		if field != "date" && field != "visibility" && field != "format" {
			list[field] = t
		}
	}
	return list
}

// Nearby are the errors of fields on this page.
func (p publishPage) Nearby() fieldErrors {
	list := maps.Clone(p.Errors)
	for field := range p.Elsewhere() {
		delete(list, field)
	}
	return list
}

// Sentence says what the button does, as the choices are now.
func (p publishPage) Sentence() string {
	var to, as string
	for _, a := range p.Audiences {
		if a.Value == p.Visibility {
			to = a.Word + ". " + a.Reach
		}
	}
	for _, c := range p.Cards {
		if c.Value == p.Format && p.Visibility != string(blog.Local) {
			as = " Sent as: " + c.Word + "."
		}
	}
	at := "Goes out now."
	if p.When == later {
		at = "Goes out at the time below."
		if date, err := time.Parse(dateLayout, p.Date); err == nil {
			at = "Goes out on " + date.Format("2 January 2006 at 15:04") + "."
		}
	}
	return at + " " + to + as
}

// Opened reports whether the choices are shown at once: when one of them is wrong, or not the usual one.
func (p publishPage) Opened() bool { return len(p.Nearby()) > 0 || p.When != "now" }

// audience is one choice of for whom.
type audience struct{ Value, Word, Reach string }

// card is one format, as a reader of Mastodon sees it.
type card struct {
	Value, Word, Hint string
	Title             string // of an Article
	Warning           string // hides the rest
	Body              template.HTML
	Link              string
	Tags              []string
	Picture           *picture
	Preview           bool       // with a link preview, which shows the picture
	Below             []*picture // attached to a Note with the whole text
}

const (
	later      = "later"
	earlier    = "earlier"
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
	// The same time tomorrow, rounded down to the hour, is a start that is never in the past.
	p.Date = req.now.In(req.zone).Add(24 * time.Hour).Truncate(time.Hour).Format(dateLayout)
	if a.ScheduledAt != nil {
		p.When, p.Date = later, a.ScheduledAt.In(req.zone).Format(dateLayout)
	}
	return h.askPublish(req, http.StatusOK, a, p)
}

// askPublish renders the page.
func (h *Handler) askPublish(req *request, status int, a blog.Article, p publishPage) error {
	f, err := h.frame(req, "articles", "Publish: "+titleOf(a))
	if err != nil {
		return err
	}
	p.frame, p.Article, p.Zone = f, a, req.zone.String()
	rendered, err := media.Compose(req.ctx(), h.store, &a, media.Beside{})
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
	// The cards show the address that the article will get.
	if a.Slug, err = h.authoring().SlugOf(req.ctx(), a.ID, a.Text); err != nil {
		return err
	}
	p.Cards = req.cards(a, rendered, hero)
	if len(rendered.Mentions) > 0 {
		p.Told = joinNames(rendered.Mentions) + " will be told that you mention them."
	}
	return h.pages.Render(req.w, status, "admin/publish", p)
}

// audiences describes whom each choice reaches.
func (h *Handler) audiences(req *request, a blog.Article) ([]audience, error) {
	reach := "sent to nobody yet: its author has no followers"
	if a.VoiceID == req.author.ID {
		reach = "sent to nobody yet: you have no followers"
	}
	n, err := h.store.CountFollowers(req.ctx(), a.VoiceID)
	if err != nil {
		return nil, err
	}
	if n.Accepted > 0 {
		reach = "sent to " + text.Plural(n.Accepted, "follower", "followers") + " on " +
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
		carried = ", announced to " + text.Plural(wrote, "follower", "followers") + " of your co-authors"
	}
	everywhere := carried
	if announced > 0 {
		everywhere += ", announced to " + text.Plural(announced, "follower", "followers") +
			" of the blog or the series"
	}
	return []audience{
		{string(blog.Public), "Public", "On the front page and in the feeds; " + reach + everywhere + "."},
		{string(blog.Unlisted), "Unlisted", "Only for people who have the address, not on the front page or in feeds; " +
			reach + carried + "."},
		{string(blog.Followers), "Followers only", "Not on the web; " + reach + "."},
		{string(blog.Local), "Only here", "On the front page and in the feeds; not sent to any server."},
	}, nil
}

// coauthors finds the voices of this blog that wrote an article with its owner, and said so.
func coauthors(a blog.Article) []account.FindVoice {
	var list []account.FindVoice
	for _, by := range a.Authors {
		if by.VoiceID != "" && by.VoiceID != a.VoiceID && !by.Asked {
			list = append(list, func(context.Context) (blog.Voice, error) { return blog.Voice{ID: by.VoiceID}, nil })
		}
	}
	return list
}

// announcers finds the voices of the blog and of the article's series.
func (h *Handler) announcers(a blog.Article) []account.FindVoice {
	return []account.FindVoice{h.store.SiteVoice, func(ctx context.Context) (blog.Voice, error) {
		series, err := h.store.RequestedSeries(ctx, a)
		if err != nil {
			return blog.Voice{}, err
		}
		return h.store.SeriesVoice(ctx, series.ID)
	}}
}

// countCarried counts the followers of the voices. A voice that does not exist or is switched off has none.
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

// cards shows the three formats as Mastodon does (contract F-027 to F-031).
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
			Hint: "Mastodon shows the title, the summary and a link; other blog servers show the whole text. GoToSocial " +
				"shows the summary as a content warning, and no title.",
			Title: a.Title, Body: paragraph(a.Summary), Link: link, Preview: true},
		{Value: string(blog.TeaserNote), Word: "Note with a link",
			Hint: "The same on every server: title, summary and a link.",
			Body: strong + paragraph(a.Summary), Link: link, Tags: a.AllTags(), Preview: true},
		{Value: string(blog.FullNote), Word: "Note with the whole text",
			Hint: "Readers need not follow a link; the best format for readers on GoToSocial. For short texts: Mastodon " +
				"folds long ones, and drops tables and footnotes.",
			Body: strong + req.asNote(a, r), Link: link, Tags: a.AllTags(), Below: attached(hero, r.Images)},
	}
	for i := range list {
		list[i].Picture = hero
		// An Article carries no warning, as check says: Mastodon would not hide its title and summary.
		if list[i].Value != string(blog.FullArticle) {
			list[i].Warning = a.Warning
		}
	}
	return list
}

// asNote is the whole text as Mastodon keeps it. It goes through the writer for other servers and then through the
// sanitiser for what they send, which together keep what Mastodon keeps. Links are removed, so that nobody leaves the
// form by accident.
func (req *request) asNote(a blog.Article, r markup.Rendered) template.HTML {
	sent := markup.Federated(r.HTML, markup.NoteHTML, req.site.ArticlePage(a))
	return markup.StripLinks(markup.Clean(string(sent)).HTML).HTML()
}

// attached are the pictures below a Note. Mastodon shows four; the one at the top of the article comes first.
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

// outcome is what pressing Publish did: the page to show again, with its status, or the name of a flash message.
type outcome struct {
	article blog.Article
	page    publishPage
	status  int // 0 when it is done
	flash   string
}

// publish saves the choices, and publishes or schedules the article.
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
		Saved:  form.Get("saved"), Federate: form.Get("federate") != "", Errors: fieldErrors{}}
	// When the button is pressed twice, the browser drops its first request and shows the answer to the second. So the
	// first goes on without it, and both have one outcome.
	pressed, stop := req.detached()
	defer stop()
	result, err, _ := h.pressed.Do(string(a.ID)+" "+req.author.Handle+" "+form.Encode(), func() (any, error) {
		return h.publishOnce(pressed, a.ID, p)
	})
	if err != nil {
		return err
	}
	o := result.(outcome)
	if o.status != 0 {
		o.page.Errors = maps.Clone(o.page.Errors) // the other press shows them, too
		return h.askPublish(req, o.status, o.article, o.page)
	}
	address := "/admin/articles/" + string(a.ID) + "/report"
	if o.flash != "" {
		address += "?done=" + o.flash
	}
	return req.redirect(address)
}

// publishOnce does what one or two presses of the button ask for.
func (h *Handler) publishOnce(req *request, id blog.ID, p publishPage) (outcome, error) {
	a, err := h.store.Article(req.ctx(), id)
	if err != nil {
		return outcome{}, err
	}
	// An earlier press has done it.
	if a.Status == blog.Published {
		return outcome{article: a}, nil
	}
	if a.Status == blog.Scheduled && p.When == later && a.ScheduledAt.In(req.zone).Format(dateLayout) == p.Date &&
		string(a.Visibility) == p.Visibility && string(a.Format) == p.Format {
		return outcome{article: a, flash: "scheduled"}, nil
	}
	// The author agreed to the text that this page showed, and to no other.
	if token(a.SavedAt) != p.Saved {
		p.Errors["article"] = fieldError{"The article was changed since you opened this page.",
			"Check it and press Publish again."}
		p.Saved = token(a.SavedAt)
		return outcome{article: a, page: p, status: http.StatusConflict}, nil
	}
	// release may save the article and fail afterwards. So p.Saved is set again below, or the next press would be a
	// conflict.
	flash, err := h.release(req, &a, p)
	if err := p.Errors.add(err); err != nil {
		return outcome{}, err
	}
	if len(p.Errors) > 0 {
		p.Saved = token(a.SavedAt)
		return outcome{article: a, page: p, status: http.StatusUnprocessableEntity}, nil
	}
	return outcome{article: a, flash: flash}, nil
}

// release saves the choices and publishes or schedules the article. It returns the name of the flash message.
func (h *Handler) release(req *request, a *blog.Article, p publishPage) (string, error) {
	options := outbox.PublishOptions{Hold: req.author.Hold(), Federate: p.Federate}
	if p.When == later || p.When == earlier {
		at, err := time.ParseInLocation(dateLayout, p.Date, req.zone)
		switch {
		case err != nil:
			return "", blog.Invalid{Field: "date", Problem: "is not understood: write it like 2026-11-30T09:00"}
		case p.When == earlier && at.After(req.now):
			return "", blog.Invalid{Field: "date", Problem: "is still to come: choose “Later”, or an earlier time"}
		case p.When == later && !at.After(req.now):
			return "", blog.Invalid{Field: "date", Problem: "has passed: publish now, or choose a later time"}
		}
		options.Date = &at
	}
	a.Visibility, a.Format = blog.Visibility(p.Visibility), blog.Format(p.Format)
	if err := h.authoring().Ready(req.ctx(), a); err != nil {
		return "", err
	}
	if err := h.authoring().SaveDraft(req.ctx(), a, req.author.Handle); err != nil {
		return "", err
	}
	// Withdrawn and deleted articles count: the first one stays the first.
	first, err := h.store.CountArticles(req.ctx(),
		store.ArticleFilter{Voice: req.author.ID, Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}})
	if err != nil {
		return "", err
	}
	released, err := h.authoring().Release(req.ctx(), a.ID, options)
	if err != nil {
		return "", err
	}
	*a = released
	switch {
	case a.Status == blog.Scheduled:
		return "scheduled", nil
	case !a.Federates():
		return "local", nil
	case options.Date != nil && h.outbox.IsOld(*options.Date) && !p.Federate:
		return "published-old", nil
	case first == 0:
		return "first", nil
	}
	if n, err := h.store.CountDeliveries(req.ctx(), []blog.ID{a.ID}); err != nil || n[a.ID] == 0 {
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

// withdrawPage says what withdrawing or deleting means before it is done.
type withdrawPage struct {
	frame
	Article blog.Article
	Holders string // how many servers will be asked to delete it, as a sentence
}

func (h *Handler) showWithdraw(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	f, err := h.frame(req, "articles", "Withdraw: "+titleOf(a))
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
			p.Holders = fmt.Sprintf("%s will be asked at once to delete their copies, and that cannot be undone. Most "+
				"servers do so, but none can be forced.", upper(text.Plural(n, "server", "servers")))
		}
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/withdraw", p)
}

// holders counts the servers that may have an article.
func (h *Handler) holders(ctx context.Context, article blog.ID) (int, error) {
	samples, err := h.store.SampleDeliveryRows(ctx, []blog.ID{article})
	n := 0
	for _, s := range blog.ServerStates(samples[article]) {
		// Unsure: the delivery was sent and no answer came, so the server may have it.
		if !s.Former && (s.Has() || s.Unsure) {
			n += 1 + s.Alike
		}
	}
	return n, err
}

func (h *Handler) withdraw(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	// Count first: afterwards the rows describe the Delete.
	asked, err := h.holders(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	// A conflict means that it is withdrawn already: the button was pressed twice.
	if err := h.outbox.Withdraw(req.ctx(), a.ID); err != nil && !errors.Is(err, blog.ErrConflict) {
		return err
	}
	flash := "withdrawn"
	if asked == 0 {
		flash = "withdrawn-here"
	}
	return req.redirect("/admin/articles?tab=withdrawn&done=" + flash)
}

func (h *Handler) deleteArticle(req *request) error {
	a, err := h.publishable(req)
	// A contributor may not publish, but may delete an own draft.
	if errors.Is(err, blog.ErrForbidden) {
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
