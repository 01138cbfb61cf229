package admin

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/text"
)

// interactPage shows somebody or a post elsewhere that the author came to, often from a page there, and what they can do with
// it as themselves. Looking does nothing; each deed is a form of its own.
type interactPage struct {
	frame
	Typed     string
	Troubles  troubles
	Found     *outbox.Found
	Who       person
	Ours      bool // they are an author of this blog
	Text      template.HTML
	When      string
	Following *blog.Following // nil when the author does not follow them
	Liked     bool
	Boosted   bool
	May       bool // whether this author may speak for themselves
}

// interact answers GET /authorize_interaction?uri=, the place to which other servers send those who live here.
func (d *Desk) interact(v *visit) error {
	f, err := d.frame(v, "following", "Elsewhere")
	if err != nil {
		return err
	}
	typed := strings.TrimSpace(v.r.URL.Query().Get("uri"))
	p := interactPage{frame: f, Typed: typed, Troubles: troubles{}, May: v.author.May(v.author.ID)}
	if typed == "" || len(typed) > 2048 {
		return d.pages.Render(v.w, http.StatusOK, "admin/interact", p)
	}
	found, err := d.outbox.Find(v.ctx(), typed)
	if err := p.Troubles.note(err); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.pages.Render(v.w, http.StatusUnprocessableEntity, "admin/interact", p)
	}
	p.Found, p.Who = &found, someone(found.Actor)
	if err := d.fillInteract(v, &p); err != nil {
		return err
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/interact", p)
}

func (d *Desk) fillInteract(v *visit, p *interactPage) error {
	here, err := d.ours(v, p.Found.Actor.ID)
	if err != nil {
		return err
	}
	if here != nil {
		p.Who, p.Ours = *here, true
		return nil
	}
	following, err := d.store.Following(v.ctx(), v.author.ID, p.Found.Actor.ID)
	if err == nil {
		p.Following = &following
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if p.Found.Post == nil {
		return nil
	}
	p.Text = markup.Trusted(p.Found.Post.HTML).HTML()
	p.When = moment(p.Found.Post.PublishedAt, v.now, v.zone)
	done, err := d.store.Gestures(v.ctx(), v.author.ID, p.Found.Post.Address)
	p.Liked, p.Boosted = done[blog.Like], done[blog.Boost]
	return err
}

// doInteract does one thing with somebody or a post elsewhere.
func (d *Desk) doInteract(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if !v.author.May(v.author.ID) {
		return blog.ErrForbidden
	}
	uri, done := strings.TrimSpace(form.Get("uri")), form.Get("do")
	switch done {
	case "follow":
		_, err = d.outbox.Follow(v.ctx(), v.author.Voice, uri)
	case "unfollow":
		err = d.outbox.Unfollow(v.ctx(), v.author.Voice, form.Get("actor"))
	case "like", "boost":
		err = d.outbox.React(v.ctx(), v.author.Voice, blog.ReactionKind(done), uri)
	case "unlike", "unboost":
		err = d.outbox.Unreact(v.ctx(), v.author.Voice, blog.ReactionKind(strings.TrimPrefix(done, "un")), uri)
	default:
		err = blog.Invalid{Field: "do", Problem: "is nothing that can be done from here"}
	}
	if err != nil && !errors.Is(err, blog.ErrConflict) { // done before, and now again
		return err
	}
	if form.Get("from") == "following" {
		return v.see("/admin/following?done=" + url.QueryEscape(done))
	}
	return v.see("/authorize_interaction?" + url.Values{"uri": {uri}, "done": {done}}.Encode())
}

// followingPage lists whom the author follows.
type followingPage struct {
	frame
	Heading string
	Rows    []followed
}

type followed struct {
	ActorID string
	Who     person
	Since   string
	Asked   bool    // and not answered yet
	Here    *person // the author of this blog as whom they go on
}

func (d *Desk) following(v *visit) error {
	f, err := d.frame(v, "following", "Following")
	if err != nil {
		return err
	}
	list, err := d.store.AllFollowing(v.ctx(), v.author.ID)
	if err != nil {
		return err
	}
	p := followingPage{frame: f, Heading: "You follow nobody yet."}
	if len(list) > 0 {
		p.Heading = "You follow " + text.Plural(len(list), "person", "people")
	}
	for _, one := range list {
		here, err := d.ours(v, one.Actor.MovedTo)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, followed{ActorID: one.ActorID, Who: someone(one.Actor), Since: moment(one.Since, v.now, v.zone),
			Asked: one.State == blog.Pending, Here: here})
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/following", p)
}

// ours is the voice of this blog at an address, nil when there is none.
func (d *Desk) ours(v *visit, address string) (*person, error) {
	kind, id, _, own := v.site.Local(address)
	if !own || kind != "actors" {
		return nil, nil
	}
	voice, err := d.store.Voice(v.ctx(), id)
	if errors.Is(err, blog.ErrNotFound) {
		return nil, nil
	}
	return &person{Name: voice.Name, User: voice.Handle, Host: v.site.HandleDomain, URL: v.site.VoicePage(voice), Picture: mediaPath(voice.Picture)}, err
}
