package documents

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/federation"
	"causerie/internal/page"
)

func (d *Documents) template() string {
	return d.Site.URL + "/.well-known/webfinger?resource={uri}"
}

// hostMeta serves the address of WebFinger (RFC 6415), for servers that look there after a 404 on the handle domain.
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

// nodeInfoLinks serves the addresses of NodeInfo and of the instance actor (FEP-f1d5, FEP-2677).
func (d *Documents) nodeInfoLinks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, "application/json; charset=utf-8", "public, max-age=86400", map[string]any{"links": []JRDLink{
		{Rel: "http://nodeinfo.diaspora.software/ns/schema/2.1", Href: d.Site.URL + "/nodeinfo/2.1"},
		{Rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", Href: d.Site.URL + "/nodeinfo/2.0"},
		{Rel: "https://www.w3.org/ns/activitystreams#Application", Href: d.Site.InstanceID()},
	}})
}

const homepage = "https://causerie.blog/"

// usageTime is how long the counts of NodeInfo are kept. They count all comments, so each new one would change them.
const usageTime = 30 * time.Minute

// nodeInfo serves NodeInfo (FEP-0151). Its number of comments may be half an hour old.
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
	return page.Document{Body: body, Keep: usageTime, Header: http.Header{
		"Content-Type": {`application/json; profile="http://nodeinfo.diaspora.software/ns/schema/` + version +
			`#"; charset=utf-8`},
		"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"public, max-age=1800"}}}, err
}

// writeJSON writes a value as JSON, with the media type kind and the Cache-Control header cache.
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
