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

// interactPage shows a person or a post on another server, and what the author can do with it. Looking changes
// nothing: each act is a form.
type interactPage struct {
	frame
	Typed     string
	Errors    fieldErrors
	Found     *outbox.Found
	Person    person
	Ours      bool // the person is an author of this blog
	Text      template.HTML
	When      string
	Following *blog.Following // nil when the author does not follow them
	Liked     bool
	Boosted   bool
	May       bool // the author may follow and react
}

// interact serves GET /authorize_interaction?uri=, to which other servers send people who have their account here.
func (h *Handler) interact(req *request) error {
	f, err := h.frame(req, "following", "On other servers")
	if err != nil {
		return err
	}
	typed := text.WrittenLine(req.r.URL.Query().Get("uri"))
	p := interactPage{frame: f, Typed: typed, Errors: fieldErrors{}, May: req.author.May(req.author.ID)}
	// The address comes from another site. A very long one is no address, and is not looked up.
	if typed == "" || len(typed) > 2048 {
		return h.pages.Render(req.w, http.StatusOK, "admin/interact", p)
	}
	found, err := h.outbox.Find(req.ctx(), typed)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.pages.Render(req.w, http.StatusUnprocessableEntity, "admin/interact", p)
	}
	p.Found, p.Person = &found, personOf(found.Actor)
	if err := h.fillInteract(req, &p); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/interact", p)
}

// fillInteract adds the author's relation to the person or the post.
func (h *Handler) fillInteract(req *request, p *interactPage) error {
	here, err := h.ours(req, p.Found.Actor.ID)
	if err != nil {
		return err
	}
	// Nobody needs to follow an author of the same blog, so there are no buttons.
	if here != nil {
		p.Person, p.Ours = *here, true
		return nil
	}
	following, err := h.store.Following(req.ctx(), req.author.ID, p.Found.Actor.ID)
	if err == nil {
		p.Following = &following
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if p.Found.Post == nil {
		return nil
	}
	p.Text = markup.Trusted(p.Found.Post.HTML).HTML()
	p.When = when(p.Found.Post.PublishedAt, req.now, req.zone)
	done, err := h.store.OwnReactions(req.ctx(), req.author.ID, p.Found.Post.Address)
	p.Liked, p.Boosted = done[blog.Like], done[blog.Boost]
	return err
}

// doInteract follows, likes or boosts, or undoes one of these.
func (h *Handler) doInteract(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	// A contributor publishes only through an editor, and so may not speak to other servers either.
	if !req.author.May(req.author.ID) {
		return blog.ErrForbidden
	}
	uri, done := line(form, "uri"), form.Get("do")
	switch done {
	case "follow":
		_, err = h.outbox.Follow(req.ctx(), req.author.Voice, uri)
	case "unfollow":
		err = h.outbox.Unfollow(req.ctx(), req.author.Voice, form.Get("actor"))
	case "like", "boost":
		err = h.outbox.React(req.ctx(), req.author.Voice, blog.ReactionKind(done), uri)
	case "unlike", "unboost":
		err = h.outbox.Unreact(req.ctx(), req.author.Voice, blog.ReactionKind(strings.TrimPrefix(done, "un")), uri)
	default:
		err = blog.Invalid{Field: "do", Problem: "is not possible from here"}
	}
	// A conflict means that it was done before, for example by a double click.
	if err != nil && !errors.Is(err, blog.ErrConflict) {
		return err
	}
	if form.Get("from") == "following" {
		return req.redirect("/admin/following?done=" + url.QueryEscape(done))
	}
	return req.redirect("/authorize_interaction?" + url.Values{"uri": {uri}, "done": {done}}.Encode())
}

// followingPage lists whom the author follows.
type followingPage struct {
	frame
	Heading string
	Rows    []followed
}

type followed struct {
	ActorID string
	Person  person
	Since   string
	Asked   bool    // the request is not answered yet
	Here    *person // the author of this blog to whom they moved
}

func (h *Handler) following(req *request) error {
	f, err := h.frame(req, "following", "Following")
	if err != nil {
		return err
	}
	list, err := h.store.AllFollowing(req.ctx(), req.author.ID)
	if err != nil {
		return err
	}
	p := followingPage{frame: f, Heading: "You follow nobody yet."}
	if len(list) > 0 {
		p.Heading = "You follow " + text.Plural(len(list), "person", "people")
	}
	for _, one := range list {
		here, err := h.ours(req, one.Actor.MovedTo)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, followed{ActorID: one.ActorID, Person: personOf(one.Actor),
			Since: when(one.Since, req.now, req.zone),
			Asked: one.State == blog.Pending, Here: here})
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/following", p)
}

// ours is the voice of this blog at an address; nil if it is not one of ours.
func (h *Handler) ours(req *request, address string) (*person, error) {
	kind, id, _, own := req.site.Local(address)
	if !own || kind != "actors" {
		return nil, nil
	}
	voice, err := h.store.Voice(req.ctx(), id)
	if errors.Is(err, blog.ErrNotFound) {
		return nil, nil
	}
	return &person{Name: voice.Name, User: voice.Handle, Host: req.site.HandleDomain, URL: req.site.VoicePage(voice),
		Picture: mediaPath(voice.Picture)}, err
}
