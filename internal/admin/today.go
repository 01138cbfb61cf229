package admin

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// todayPage is the first page of the admin: what is published, what waits, what is new.
type todayPage struct {
	frame
	Sentence  string // the state of the deliveries
	Hint      string
	Last      *lastArticle
	Named     []named
	Scheduled []row // the next to go out first
	Drafts    []row
	AllDrafts int
	Waiting   []commentRow
	Followers store.FollowerCounts
	New       []follower
	Earlier   int // the number of new followers that are not shown
	Steps     bool
}

// lastArticle is the newest published article with its reactions and deliveries.
type lastArticle struct {
	row
	Counts   blog.Counts
	Emojis   []blog.EmojiCount
	Progress progress
}

// named is an article in whose by-line somebody named the author.
type named struct {
	row
	URL string
}

const mostEmojis = 12 // shown below the article

const newSince = 7 * 24 * time.Hour // how long a follower is new

func (h *Handler) today(req *request) error {
	f, err := h.frame(req, "today", "Today")
	if err != nil {
		return err
	}
	p := todayPage{frame: f}
	if p.Sentence, p.Hint, err = h.health(req); err != nil {
		return err
	}
	for _, read := range []func(*request, *todayPage) error{h.namedIn, h.lastArticle, h.scheduledNext, h.recentDrafts,
		h.waitingComments, h.newFollowers} {
		if err := read(req, &p); err != nil {
			return err
		}
	}
	// The first steps are for an author who has written nothing yet.
	p.Steps = p.Last == nil && p.AllDrafts == 0 && len(p.Scheduled) == 0
	p.withoutDeliveries()
	return h.pages.Render(req.w, http.StatusOK, "admin/today", p)
}

// withoutDeliveries replaces "Everything is delivered" where nothing was sent yet.
func (p *todayPage) withoutDeliveries() {
	switch {
	case p.ServersSilent > 0 || p.Followers.Accepted > 0:
	case p.Last == nil && len(p.Scheduled) > 0:
		p.Sentence = "Nothing is published yet. The first article is " + p.Scheduled[0].When + "."
	case p.Last == nil:
		p.Sentence = "Nothing is published yet."
	case p.Last.Progress.Servers == 0:
		p.Sentence = "Published here. Nobody follows you yet."
	}
}

// health says in one sentence which servers do not take deliveries.
func (h *Handler) health(req *request) (sentence, hint string, err error) {
	peers, err := h.store.CountSilentPeers(req.ctx())
	if err != nil {
		return "", "", err
	}
	refusals, err := h.store.Refusals(req.ctx())
	if err != nil {
		return "", "", err
	}
	refusing := map[string]bool{}
	for _, r := range refusals {
		// A server may refuse several voices, and still counts once.
		refusing[r.Host] = true
	}
	least := ""
	if peers.More {
		least = "at least "
	}
	var but []string
	for _, state := range []struct {
		n                   int
		one, several, least string
	}{{peers.Silent, "that is silent", "that are silent", least}, {len(refusing), "that refuses it", "that refuse it", ""},
		{peers.Patient, "that asks for patience", "that ask for patience", least}} {
		switch {
		case state.n == 1:
			but = append(but, "one server "+state.one)
		case state.n > 1:
			but = append(but, state.least+text.InWords(state.n)+" servers "+state.several)
		}
	}
	if len(but) == 0 {
		return "Everything that was to be sent is delivered.", "", nil
	}
	return "Everything that was to be sent is delivered, except to " + strings.Join(but, ", and ") + ".",
		"Deliveries to them are tried again for a week, at growing intervals.", nil
}

func (h *Handler) lastArticle(req *request, p *todayPage) error {
	list, err := h.store.Articles(req.ctx(),
		store.ArticleFilter{Voice: req.author.ID, Statuses: []blog.Status{blog.Published}, Limit: 1})
	if err != nil || len(list) == 0 {
		return err
	}
	counts, err := h.store.Counts(req.ctx(), []blog.ID{list[0].ID})
	if err != nil {
		return err
	}
	samples, err := h.store.SampleDeliveryRows(req.ctx(), []blog.ID{list[0].ID})
	if err != nil {
		return err
	}
	emojis, err := h.store.Emojis(req.ctx(), list[0].ID, mostEmojis)
	if err != nil {
		return err
	}
	p.Last = &lastArticle{row: req.row(list[0]), Counts: counts[list[0].ID], Emojis: emojis,
		Progress: req.progress(samples[list[0].ID])}
	return nil
}

// namedIn lists the articles in whose by-line somebody named the author, who has not answered yet.
func (h *Handler) namedIn(req *request, p *todayPage) error {
	list, err := h.store.AskedBylines(req.ctx(), req.author.ID)
	for _, a := range list {
		p.Named = append(p.Named, named{req.row(a), h.address.ArticlePage(a)})
	}
	return err
}

// answerByline is the yes or no of an author whom somebody named in a by-line.
func (h *Handler) answerByline(req *request) error {
	id, err := req.id("article")
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	if form.Get("answer") == "no" {
		if err := h.outbox.DeclineByline(req.ctx(), id, req.author.ID); err != nil {
			return err
		}
		return req.redirect("/admin?done=declined")
	}
	if err := h.outbox.AgreeToByline(req.ctx(), id, req.author.ID); err != nil {
		return err
	}
	return req.redirect("/admin?done=agreed")
}

// scheduledNext lists the scheduled articles, the next one first.
func (h *Handler) scheduledNext(req *request, p *todayPage) error {
	list, err := h.store.Articles(req.ctx(),
		store.ArticleFilter{Voice: req.author.ID, Statuses: []blog.Status{blog.Scheduled}, BySaveTime: true,
			Limit: rowsPerPage})
	slices.SortFunc(list, func(a, b blog.Article) int { return a.ScheduledAt.Compare(*b.ScheduledAt) })
	for _, a := range list {
		p.Scheduled = append(p.Scheduled, req.row(a))
	}
	return err
}

func (h *Handler) recentDrafts(req *request, p *todayPage) error {
	drafts := store.ArticleFilter{Voice: req.author.ID, Statuses: []blog.Status{blog.Draft}, BySaveTime: true, Limit: 3}
	list, err := h.store.Articles(req.ctx(), drafts)
	if err != nil {
		return err
	}
	for _, a := range list {
		p.Drafts = append(p.Drafts, req.row(a))
	}
	p.AllDrafts, err = h.store.CountArticles(req.ctx(), drafts)
	return err
}

func (h *Handler) waitingComments(req *request, p *todayPage) error {
	list, err := h.store.Comments(req.ctx(),
		store.CommentFilter{Voice: req.scope(), States: []blog.CommentState{blog.CommentWaiting}, Limit: 3})
	if err != nil {
		return err
	}
	p.Waiting, err = h.commentRows(req, list)
	return err
}

func (h *Handler) newFollowers(req *request, p *todayPage) (err error) {
	if p.Followers, err = h.store.CountFollowers(req.ctx(), req.author.ID); err != nil {
		return err
	}
	list, err := h.store.FollowersOf(req.ctx(),
		store.FollowerFilter{Voice: req.author.ID, State: blog.Accepted, Limit: 100})
	if err != nil {
		return err
	}
	since := h.now().Add(-newSince)
	for _, f := range list {
		switch {
		case f.Since.Before(since):
		case len(p.New) < 3:
			p.New = append(p.New, req.follower(f))
		default:
			p.Earlier++
		}
	}
	return nil
}

// more shows the rest of the menu, for which a narrow screen has no room.
func (h *Handler) more(req *request) error {
	f, err := h.frame(req, "more", "More")
	if err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/more", struct{ frame }{f})
}
