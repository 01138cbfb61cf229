package documents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

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

// webfinger serves the actor that a handle or an address of ours means (RFC 7033, contract F-001 to F-005).
func (d *Documents) webfinger(w http.ResponseWriter, r *http.Request) {
	resources := r.URL.Query()["resource"]
	if len(resources) != 1 {
		federation.WriteError(w, http.StatusBadRequest, "give one resource, like ?resource=acct:name@"+d.Site.HandleDomain)
		return
	}
	jrd, err := d.finger(r.Context(), resources[0])
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

// filter drops the links with other relations than the request asks for (RFC 7033, section 4.3).
func (f *JRD) filter(rels []string) {
	if len(rels) > 0 {
		f.Links = slices.DeleteFunc(f.Links, func(l JRDLink) bool { return !slices.Contains(rels, l.Rel) })
	}
}

var errNoResource = errors.New("the resource must be acct:name@domain or an address")

// finger finds the JRD of a resource: a handle with or without "acct:" and "@", or an address. The error is
// errNoResource when it is neither.
func (d *Documents) finger(ctx context.Context, resource string) (JRD, error) {
	lower := strings.ToLower(resource)
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return d.fingerAddress(ctx, resource)
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
	case name == host || name == hostname(host):
		return d.instanceFinger(), nil
	}
	voice, err := d.Store.VoiceByHandle(ctx, name)
	return d.voiceFinger(voice, err)
}

func hostname(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// fingerAddress finds the JRD of an address of ours: an actor, a profile page, a series with a voice, the site
// itself, or an article's page, which means its author.
func (d *Documents) fingerAddress(ctx context.Context, resource string) (JRD, error) {
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
		return d.instanceFinger(), nil
	case local && kind == "actors" && rest == "":
		return d.voiceFinger(d.Store.Voice(ctx, id))
	case strings.HasPrefix(u.Path, "/@"):
		return d.voiceFinger(d.Store.VoiceByHandle(ctx, strings.ToLower(u.Path[2:])))
	case seriesPath.MatchString(u.Path):
		return d.voiceFinger(d.voiceOfSeries(ctx, federation.LastSegment(u.Path)))
	}
	a, err := d.Store.HeadBySlug(ctx, federation.LastSegment(u.Path))
	if err != nil {
		return JRD{}, err
	}
	// HeadBySlug knows former slugs and ignores the date in the path, so the whole path is compared.
	if !a.OnTheWeb() || d.Site.ArticlePath(a) != u.Path {
		return JRD{}, blog.ErrNotFound
	}
	return d.voiceFinger(d.Store.Voice(ctx, a.VoiceID))
}

// intents are the addresses to which other servers send people of this blog, to follow somebody or to act on a post
// (FEP-3b86, OStatus).
func (d *Documents) intents() []JRDLink {
	intent := d.Site.URL + "/authorize_interaction?uri="
	return []JRDLink{
		{Rel: "http://ostatus.org/schema/1.0/subscribe", Template: intent + "{uri}"},
		{Rel: "https://w3id.org/fep/3b86/Follow", Template: intent + "{object}"},
		{Rel: "https://w3id.org/fep/3b86/Object", Template: intent + "{object}"},
	}
}

func (d *Documents) voiceFinger(v blog.Voice, err error) (JRD, error) {
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

func (d *Documents) instanceFinger() JRD {
	return JRD{Subject: "acct:" + hostname(d.Site.Host()) + "@" + d.Site.HandleDomain,
		Aliases: []string{d.Site.Home(), d.Site.InstanceID()},
		Links: []JRDLink{
			{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: d.Site.URL + "/about"},
			{Rel: "self", Type: "application/activity+json", Href: d.Site.InstanceID()},
		}}
}

func (d *Documents) template() string {
	return d.Site.URL + "/.well-known/webfinger?resource={uri}"
}

// hostMeta says where WebFinger is (RFC 6415), for servers that get a 404 for it on the handle domain.
func (d *Documents) hostMeta(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/xrd+xml; charset=utf-8")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="%s"/></XRD>
`, html.EscapeString(d.template()))
}

func (d *Documents) hostMetaJSON(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, "application/json; charset=utf-8", "public, max-age=86400",
		map[string]any{"links": []JRDLink{{Rel: "lrdd", Template: d.template()}}})
}

// nodeInfoLinks says where NodeInfo and the instance actor are (FEP-f1d5, FEP-2677).
func (d *Documents) nodeInfoLinks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, "application/json; charset=utf-8", "public, max-age=86400", map[string]any{"links": []JRDLink{
		{Rel: "http://nodeinfo.diaspora.software/ns/schema/2.1", Href: d.Site.URL + "/nodeinfo/2.1"},
		{Rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", Href: d.Site.URL + "/nodeinfo/2.0"},
		{Rel: "https://www.w3.org/ns/activitystreams#Application", Href: d.Site.InstanceID()},
	}})
}

const homepage = "https://causerie.blog/"

// nodeInfo serves NodeInfo (FEP-0151).
func (d *Documents) nodeInfo(ctx context.Context, r *http.Request) (page.Document, error) {
	usage, err := d.Store.Usage(ctx)
	if err != nil {
		return page.Document{}, err
	}
	site, err := d.Store.Site(ctx)
	if err != nil {
		return page.Document{}, err
	}
	version := chi.URLParam(r, "version")
	software := map[string]string{"name": "causerie", "version": d.version}
	// The schema of 2.0 does not allow this member.
	if version == "2.1" {
		software["homepage"] = homepage
	}
	body, err := json.Marshal(map[string]any{
		"version": version, "software": software, "protocols": []string{"activitypub"},
		"services":          map[string][]string{"inbound": {}, "outbound": {"atom1.0"}},
		"openRegistrations": false,
		"usage": map[string]any{"users": map[string]int{"total": usage.Authors}, "localPosts": usage.Articles,
			"localComments": usage.Comments},
		"metadata": map[string]string{"nodeName": site.Name, "nodeDescription": site.Description},
	})
	return page.Document{Body: body, Header: http.Header{
		"Content-Type": {`application/json; profile="http://nodeinfo.diaspora.software/ns/schema/` + version +
			`#"; charset=utf-8`},
		"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"public, max-age=1800"}}}, err
}

func writeJSON(w http.ResponseWriter, kind, cache string, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		federation.WriteError(w, http.StatusInternalServerError, "the answer cannot be encoded")
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	// Scripts of every site may read this (contract F-005).
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Write(body)
}
