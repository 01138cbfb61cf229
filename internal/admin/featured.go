package admin

import (
	"cmp"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// featuredPage lists the collections that feature the author, those that ask to, and those that the author left or
// refused.
type featuredPage struct {
	frame
	Heading string
	Policy  string // who may feature the author
	Asking  []feature
	Rows    []feature
	Ended   []feature
}

// feature is one collection.
type feature struct {
	ID    blog.ID
	Name  string
	Topic string
	URL   string
	Owner person // without a name where it is this blog
	When  string
}

// featureSentences say who may feature an author.
var featureSentences = map[blog.FeaturePolicy]string{
	blog.FeatureEveryone:  "Everyone may add you to a collection.",
	blog.FeatureFollowers: "Your followers may add you to a collection, and nobody else.",
	blog.FeatureAsk:       "Whoever wants to add you to a collection must ask you.",
	blog.FeatureNobody:    "Nobody may add you to a collection.",
}

func (h *Handler) featured(req *request) error {
	f, err := h.frame(req, "featured", "Featured")
	if err != nil {
		return err
	}
	p := featuredPage{frame: f, Heading: "You are in no collection.",
		Policy: featureSentences[req.author.MayFeature()]}
	for _, part := range []struct {
		state blog.AuthorizationState
		to    *[]feature
	}{{blog.AuthorizationAsked, &p.Asking}, {blog.AuthorizationGiven, &p.Rows},
		{blog.AuthorizationRefused, &p.Ended}, {blog.AuthorizationRevoked, &p.Ended}} {
		list, err := h.store.Features(req.ctx(), req.author.ID, part.state)
		if err != nil {
			return err
		}
		for _, f := range list {
			*part.to = append(*part.to, req.feature(f))
		}
	}
	if n := len(p.Rows); n > 0 {
		p.Heading = "You are in " + text.Plural(n, "collection", "collections") + "."
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/featured", p)
}

func (req *request) feature(f blog.Feature) feature {
	shown := feature{ID: f.ID, Name: cmp.Or(f.Collection.Name, f.Instrument), Topic: f.Collection.Topic,
		URL: cmp.Or(f.Collection.URL, f.Instrument), Owner: personOf(f.Owner),
		When: when(f.At, req.now, req.zone)}
	if f.OfThisBlog() {
		shown.Name, shown.URL = req.site.Name, req.site.AuthorsPage()
	}
	return shown
}

// answerFeature answers a collection that asks, takes the author out of one, or lets one ask again.
func (h *Handler) answerFeature(req *request) error {
	id, err := req.id("feature")
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	done := ""
	switch form.Get("answer") {
	case "accept":
		done, err = "featured", h.outbox.AnswerFeature(req.ctx(), req.author.ID, id, true)
	case "refuse":
		done, err = "rejected", h.outbox.AnswerFeature(req.ctx(), req.author.ID, id, false)
	case "leave":
		done, err = "left", h.outbox.EndFeature(req.ctx(), req.author.ID, id)
	case "forget":
		done, err = "may-ask", h.outbox.ForgetFeature(req.ctx(), req.author.ID, id)
	default:
		err = blog.Invalid{Field: "answer", Problem: "is none of accept, refuse, leave and forget"}
	}
	if err != nil {
		return err
	}
	return req.redirect("/admin/featured?done=" + done)
}
