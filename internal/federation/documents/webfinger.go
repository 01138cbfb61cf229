package documents

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/page"
)

// JRDLink is one link of a JRD.
type JRDLink struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// webfinger answers which actor belongs to a handle or an address of this blog (RFC 7033, contract F-001 to F-005).
func (d *Documents) webfinger(w http.ResponseWriter, r *http.Request) {
	resources := r.URL.Query()["resource"]
	if len(resources) != 1 {
		federation.WriteError(w, http.StatusBadRequest, "give one resource, like ?resource=acct:name@"+d.Site.HandleDomain)
		return
	}
	jrd, err := d.findJRD(r.Context(), resources[0])
	switch {
	case errors.Is(err, errNoResource):
		federation.WriteError(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, blog.ErrNotFound):
		federation.WriteError(w, http.StatusNotFound, "there is nobody with that name here")
	case errors.Is(err, blog.ErrGone):
		federation.WriteError(w, http.StatusGone, "the account was deleted")
	case err != nil:
		d.fail(w, r, err)
	default:
		jrd.filter(r.URL.Query()["rel"])
		writeJSON(w, "application/jrd+json; charset=utf-8", page.ForReaders, jrd)
	}
}

// JRD is the answer of WebFinger (RFC 7033, section 4.4).
type JRD struct {
	Subject string    `json:"subject"`
	Aliases []string  `json:"aliases"`
	Links   []JRDLink `json:"links"`
}

// filter keeps only the links with the relations in the request (RFC 7033, section 4.3). Without relations it keeps
// all.
func (f *JRD) filter(rels []string) {
	if len(rels) > 0 {
		f.Links = slices.DeleteFunc(f.Links, func(l JRDLink) bool { return !slices.Contains(rels, l.Rel) })
	}
}

var errNoResource = errors.New("the resource must be acct:name@domain or an address")

// findJRD returns the JRD of a resource: a handle with or without "acct:" and "@", or an address. The error is
// errNoResource for anything else.
func (d *Documents) findJRD(ctx context.Context, resource string) (JRD, error) {
	lower := strings.ToLower(resource)
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return d.findJRDByAddress(ctx, resource)
	}
	name, domain, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(lower, "acct:"), "@"), "@")
	if !ok || name == "" || domain == "" || strings.ContainsAny(domain, "@/ ") {
		return JRD{}, errNoResource
	}
	host := strings.ToLower(d.Site.Host())
	switch {
	// Both domains mean the same accounts (contract F-001).
	case domain != host && domain != strings.ToLower(d.Site.HandleDomain):
		return JRD{}, blog.ErrNotFound
	// The instance actor's handle has the host name as its user part.
	case name == host || name == strings.ToLower(d.Site.Hostname()):
		return d.instanceJRD(), nil
	}
	voice, err := d.Store.VoiceByHandle(ctx, name)
	return d.voiceJRD(voice, err)
}

// findJRDByAddress returns the JRD of an address of ours: that of an actor, a profile page, a series with a voice or
// the site itself. For the page of an article it returns the JRD of the author.
func (d *Documents) findJRDByAddress(ctx context.Context, resource string) (JRD, error) {
	u, err := url.Parse(resource)
	if err != nil {
		return JRD{}, errNoResource
	}
	if !strings.EqualFold(u.Host, d.Site.Host()) {
		return JRD{}, blog.ErrNotFound
	}
	address := d.Site.URL + u.Path
	kind, id, rest, local := d.Site.Local(address)
	switch {
	case u.Path == "" || u.Path == "/" || address == d.Site.InstanceID():
		return d.instanceJRD(), nil
	case local && kind == "actors" && rest == "":
		return d.voiceJRD(d.Store.Voice(ctx, id))
	case blog.HandleIn(u.Path) != "", blog.SeriesIn(u.Path) != "":
		return d.voiceJRD(federation.VoiceAt(ctx, d.Store, u.Path))
	}
	a, err := d.Store.HeadBySlug(ctx, federation.LastSegment(u.Path))
	if err != nil {
		return JRD{}, err
	}
	// HeadBySlug also finds former slugs and ignores the date in the path, so the whole path is compared.
	if !a.OnTheWeb() || d.Site.ArticlePath(a) != u.Path {
		return JRD{}, blog.ErrNotFound
	}
	return d.voiceJRD(d.Store.Voice(ctx, a.VoiceID))
}

// intents returns the links that lead authors of this blog back from other servers, to follow somebody or to react to a
// post (FEP-3b86, OStatus).
func (d *Documents) intents() []JRDLink {
	intent := d.Site.URL + "/authorize_interaction?uri="
	return []JRDLink{
		{Rel: "http://ostatus.org/schema/1.0/subscribe", Template: intent + "{uri}"},
		{Rel: "https://w3id.org/fep/3b86/Follow", Template: intent + "{object}"},
		{Rel: "https://w3id.org/fep/3b86/Object", Template: intent + "{object}"},
	}
}

func (d *Documents) voiceJRD(v blog.Voice, err error) (JRD, error) {
	if err != nil {
		return JRD{}, err
	}
	if v.RetiredAt != nil {
		return JRD{}, blog.ErrGone
	}
	f := JRD{Subject: "acct:" + v.Handle + "@" + d.Site.HandleDomain,
		Aliases: []string{d.Site.VoicePage(v), d.Site.ActorID(v.ID)},
		Links: []JRDLink{
			{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: d.Site.VoicePage(v)},
			{Rel: "self", Type: "application/activity+json", Href: d.Site.ActorID(v.ID)},
		}}
	if v.Kind == blog.AuthorVoice {
		f.Links = append(f.Links, d.intents()...)
	}
	if v.Picture != "" {
		f.Links = append(f.Links, JRDLink{Rel: "http://webfinger.net/rel/avatar", Href: d.Site.Media(v.Picture)})
	}
	return f, nil
}

func (d *Documents) instanceJRD() JRD {
	return JRD{Subject: "acct:" + d.Site.Hostname() + "@" + d.Site.HandleDomain,
		Aliases: []string{d.Site.Home(), d.Site.InstanceID()},
		Links: []JRDLink{
			{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: d.Site.URL + "/about"},
			{Rel: "self", Type: "application/activity+json", Href: d.Site.InstanceID()},
		}}
}
