package fedtest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// contexts is the @context of all documents. It defines every term that is used here, as the real servers do.
var contexts = []any{
	"https://www.w3.org/ns/activitystreams",
	"https://w3id.org/security/v1",
	map[string]any{
		"manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
		"sensitive":                 "as:sensitive",
		"toot":                      "http://joinmastodon.org/ns#",
		"discoverable":              "toot:discoverable",
		"indexable":                 "toot:indexable",
		"featured":                  map[string]any{"@id": "toot:featured", "@type": "@id"},
		"ostatus":                   "http://ostatus.org#",
		"atomUri":                   "ostatus:atomUri",
		"inReplyToAtomUri":          "ostatus:inReplyToAtomUri",
		"conversation":              "ostatus:conversation",
		"litepub":                   "http://litepub.social/ns#",
		"EmojiReact":                "litepub:EmojiReact",
		"alsoKnownAs":               map[string]any{"@id": "as:alsoKnownAs", "@type": "@id"},
		"movedTo":                   map[string]any{"@id": "as:movedTo", "@type": "@id"},
		"misskey":                   "https://misskey-hub.net/ns#",
		"_misskey_reaction":         "misskey:_misskey_reaction",
		"_misskey_quote":            "misskey:_misskey_quote",
		"fedibird":                  "http://fedibird.com/ns#",
		"quoteUri":                  "fedibird:quoteUri",
		"quoteUrl":                  "as:quoteUrl",
		"QuoteRequest":              "https://w3id.org/fep/044f#QuoteRequest",
		"quote":                     map[string]any{"@id": "https://w3id.org/fep/044f#quote", "@type": "@id"},
		"quoteAuthorization":        map[string]any{"@id": "https://w3id.org/fep/044f#quoteAuthorization", "@type": "@id"},
		"gts":                       "https://gotosocial.org/ns#",
		"ReplyRequest":              "gts:ReplyRequest",
		"FeatureRequest":            "https://w3id.org/fep/7aa9#FeatureRequest",
		"FeaturedCollection":        "https://w3id.org/fep/7aa9#FeaturedCollection",
		"FeaturedItem":              "https://w3id.org/fep/7aa9#FeaturedItem",
		"topic":                     map[string]any{"@id": "https://w3id.org/fep/7aa9#topic", "@type": "@id"},
		"featuredObject":            map[string]any{"@id": "https://w3id.org/fep/7aa9#featuredObject", "@type": "@id"},
		"featuredObjectType":        "https://w3id.org/fep/7aa9#featuredObjectType",
		"featureAuthorization":      map[string]any{"@id": "https://w3id.org/fep/7aa9#featureAuthorization", "@type": "@id"},
		"Hashtag":                   "as:Hashtag",
		"replyAuthorization":        map[string]any{"@id": "gts:replyAuthorization", "@type": "@id"},
	},
}

// document answers with the ActivityPub document at an address. A deleted one gets 410. A private note gets 404, like
// one that never was. An unsigned request gets 401 where signatures are required.
func (s *Server) document(w http.ResponseWriter, r *http.Request) {
	id := s.URL + r.URL.Path
	demands := s.Software == GoToSocial || s.behaviour.Load().kind == requiringRFC9421
	// The instance actor and the keys are open to all. Otherwise two servers that require signatures could never fetch
	// each other's key.
	if demands && id != s.instance.ID && !strings.HasSuffix(id, "/main-key") {
		if _, err := s.verify(r, nil); err != nil {
			writeError(w, http.StatusUnauthorized, err.Error())
			return
		}
	}
	document, status := s.findDocument(id)
	// A document of ServeDocument goes before.
	if actor, ok := strings.CutSuffix(id, "/followers_synchronization"); ok && status == http.StatusNotFound {
		s.followersThere(w, r, actor)
		return
	}
	switch status {
	case http.StatusOK:
		if document["@context"] == nil {
			document["@context"] = contexts
		}
		writeJSON(w, activityType+"; charset=utf-8", document)
	case http.StatusGone:
		w.Header().Set("Content-Type", activityType+"; charset=utf-8")
		w.WriteHeader(http.StatusGone)
		w.Write([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"` + id + `","type":"Tombstone"}`))
	default:
		writeError(w, status, "not found")
	}
}

// ServeDocument serves a document at a path, whatever the document says about itself. Where signatures are required,
// the request needs one. It returns the address, which becomes the document's id when it has none.
func (s *Server) ServeDocument(path string, document map[string]any) string {
	address := s.URL + path
	// The caller may go on using its map, and gets no id put into it.
	shown := maps.Clone(document)
	if shown["id"] == nil {
		shown["id"] = address
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents == nil {
		s.documents = map[string]map[string]any{}
	}
	s.documents[address] = shown
	return address
}

// findDocument returns the document with an id, or the status to answer instead.
func (s *Server) findDocument(id string) (document map[string]any, status int) {
	s.mu.Lock()
	if shown, ok := s.documents[id]; ok {
		s.mu.Unlock()
		return maps.Clone(shown), http.StatusOK
	}
	if c := s.collections[id]; c != nil {
		defer s.mu.Unlock()
		if c.gone { // Mastodon keeps nothing of what was deleted
			return nil, http.StatusNotFound
		}
		return c.document(), http.StatusOK
	}
	n, part := s.notes[id], ""
	for _, suffix := range []string{"/replies", "/activity"} {
		if base, ok := strings.CutSuffix(id, suffix); ok && n == nil {
			n, part = s.notes[base], suffix
		}
	}
	if n != nil {
		defer s.mu.Unlock()
		return s.findNote(n, part)
	}
	p, part := s.actors[id], ""
	for _, suffix := range []string{"/main-key", "/followers", "/following", "/outbox", "/collections/featured"} {
		if base, ok := strings.CutSuffix(id, suffix); ok && p == nil {
			p, part = s.actors[base], suffix
		}
	}
	s.mu.Unlock()
	if p == nil {
		return nil, http.StatusNotFound
	}
	return p.documentAt(part)
}

// followersThere lists the followers of somebody here that live on the server that signed the request (FEP-8fcf).
func (s *Server) followersThere(w http.ResponseWriter, r *http.Request, actor string) {
	signer, err := s.verify(r, nil)
	if err != nil {
		writeError(w, http.StatusUnauthorized, err.Error())
		return
	}
	s.mu.Lock()
	p, ids := s.actors[actor], []string{}
	if p != nil {
		for id := range p.followers {
			if sameHost(id, signer.ID) {
				ids = append(ids, id)
			}
		}
	}
	s.mu.Unlock()
	if p == nil {
		writeError(w, http.StatusNotFound, "not found")
		return
	}
	writeJSON(w, activityType+"; charset=utf-8",
		map[string]any{"@context": contexts, "id": actor + "/followers_synchronization", "type": "OrderedCollection",
			"orderedItems": ids})
}

// findNote returns one of a note's documents. Server.mu is held.
func (s *Server) findNote(n *note, part string) (map[string]any, int) {
	switch {
	// Before gone: a 410 would tell that a private note existed.
	case n.audience == followersOnly || n.audience == direct:
		return nil, http.StatusNotFound
	case n.gone:
		return nil, http.StatusGone
	case part == "/activity":
		return n.create(), http.StatusOK
	case part == "/replies":
		return s.replies(n), http.StatusOK
	}
	return n.document(), http.StatusOK
}

// replies lists the public replies to a note that the server knows, from here and from elsewhere. Server.mu is held.
func (s *Server) replies(n *note) map[string]any {
	items := []string{}
	for _, other := range s.notes {
		if other.inReplyTo == n.id && !other.gone && other.audience <= unlisted {
			items = append(items, other.id)
		}
	}
	for _, id := range s.postOrder {
		if post := s.posts[id]; post.InReplyTo == n.id && !post.Gone {
			items = append(items, id)
		}
	}
	return map[string]any{
		"id": n.id + "/replies", "type": "Collection",
		"first": map[string]any{"type": "CollectionPage", "partOf": n.id + "/replies", "items": items},
	}
}

// documentAt returns one of a person's documents, by the part of its address behind the actor id.
func (p *Person) documentAt(part string) (map[string]any, int) {
	p.Server.mu.Lock()
	left, followers, following := p.left, len(p.followers), len(p.follows)
	p.Server.mu.Unlock()
	if left {
		return nil, http.StatusGone
	}
	total := 0
	switch part {
	case "":
		return p.document(), http.StatusOK
	case "/main-key":
		return p.keyDocument(), http.StatusOK
	// The collections show only their size, as on many real servers.
	case "/followers":
		total = followers
	case "/following":
		total = following
	}
	return map[string]any{"id": p.ID + part, "type": "OrderedCollection", "totalItems": total}, http.StatusOK
}

// document returns the actor document. It locks Server.mu.
func (p *Person) document() map[string]any {
	s := p.Server
	document := p.keyDocument()
	s.mu.Lock()
	display := p.display
	if len(p.aliases) > 0 {
		document["alsoKnownAs"] = p.aliases
	}
	if p.movedTo != "" {
		document["movedTo"] = p.movedTo
	}
	s.mu.Unlock()
	document["name"] = display
	document["summary"] = "<p>" + display + " lives on " + s.Name + ".</p>"
	document["url"] = p.URL()
	document["inbox"] = p.Inbox()
	document["outbox"] = p.ID + "/outbox"
	document["followers"] = p.Followers()
	document["following"] = p.ID + "/following"
	document["featured"] = p.ID + "/collections/featured"
	document["manuallyApprovesFollowers"] = false
	document["discoverable"] = true
	document["assertionMethod"] = []any{p.multikey()}
	document["published"] = "2024-03-01T00:00:00Z"
	document["tag"] = []any{}
	document["attachment"] = []any{}
	document["icon"] = map[string]any{"type": "Image", "mediaType": "image/png",
		"url": s.URL + "/avatars/" + p.Name + ".png"}
	if s.Software != GoToSocial {
		document["endpoints"] = map[string]any{"sharedInbox": s.URL + "/inbox"}
	}
	return document
}

// keyDocument returns the part of the actor that a key needs. GoToSocial serves it to everybody.
func (p *Person) keyDocument() map[string]any {
	return map[string]any{
		"id": p.ID, "type": p.kind, "preferredUsername": p.Name,
		"publicKey": map[string]any{"id": p.KeyID(), "owner": p.ID, "publicKeyPem": publicPEM(p.privateKey())},
	}
}

// document returns the note as its server's software writes it. Server.mu is held.
func (n *note) document() map[string]any {
	document := map[string]any{
		"id": n.id, "type": "Note", "attributedTo": n.author.ID, "url": n.url(),
		"published": timestamp(n.published), "to": n.to(), "cc": n.cc(),
		"content": n.html, "contentMap": map[string]any{n.language: n.html},
		// Mastodon writes null for what is missing. A receiver must cope with it.
		"summary": nil, "inReplyTo": nil, "sensitive": n.warning != "",
		"attachment": []any{}, "tag": n.tags(),
		"replies": map[string]any{
			"id": n.id + "/replies", "type": "Collection",
			"first": map[string]any{"type": "CollectionPage", "partOf": n.id + "/replies", "items": []string{}},
		},
	}
	if n.warning != "" {
		document["summary"] = n.warning
	}
	if n.inReplyTo != "" {
		document["inReplyTo"] = n.inReplyTo
	}
	if !n.updated.IsZero() {
		document["updated"] = timestamp(n.updated)
	}
	n.addQuote(document)
	if n.author.Server.Software == GoToSocial {
		document["interactionPolicy"] = map[string]any{"canReply": map[string]any{"automaticApproval": []string{public},
			"manualApproval": []string{}}}
	}
	if n.author.Server.Software == Mastodon {
		document["atomUri"] = n.id
		document["inReplyToAtomUri"] = document["inReplyTo"]
	}
	return document
}

func (n *note) tags() []any {
	tags := []any{}
	for _, m := range n.mentions {
		tags = append(tags, map[string]any{"type": "Mention", "href": m.ID, "name": "@" + m.Handle + "@" + hostOf(m.ID)})
	}
	return tags
}

// url returns the address of the note's page. An id that [NoteID] chose may have no number, so it takes the last
// part.
func (n *note) url() string {
	return n.author.URL() + "/" + n.id[strings.LastIndexByte(n.id, '/')+1:]
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// webFinger finds people by handle, by id and by page, and the instance actor by its host.
func (s *Server) webFinger(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Query().Get("resource")
	p := s.findActor(resource)
	if p == nil {
		writeError(w, http.StatusNotFound, "nobody of that name")
		return
	}
	s.mu.Lock()
	left := p.left
	s.mu.Unlock()
	// A deleted account is gone here too, and not unknown.
	if left {
		writeError(w, http.StatusGone, "has left")
		return
	}
	writeJSON(w, "application/jrd+json; charset=utf-8", map[string]any{
		"subject": "acct:" + p.Handle(),
		"aliases": []string{p.URL(), p.ID},
		"links": []map[string]string{
			{"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": p.URL()},
			{"rel": "self", "type": activityType, "href": p.ID},
			{"rel": "http://ostatus.org/schema/1.0/subscribe", "template": s.URL + "/authorize_interaction?uri={uri}"},
		},
	})
}

func (s *Server) findActor(resource string) *Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.actors {
		if strings.EqualFold(resource, "acct:"+p.Handle()) || resource == p.ID || resource == p.URL() {
			return p
		}
	}
	return nil
}

func (s *Server) nodeInfo(w http.ResponseWriter, path string) {
	const schema = "http://nodeinfo.diaspora.software/ns/schema/2.0"
	if path == "/.well-known/nodeinfo" {
		writeJSON(w, "application/json; charset=utf-8", map[string]any{
			"links": []map[string]string{{"rel": schema, "href": s.URL + "/nodeinfo/2.0"}},
		})
		return
	}
	software, version := s.Software.nodeInfo()
	s.mu.Lock()
	people, notes := len(s.people), len(s.notes)
	s.mu.Unlock()
	writeJSON(w, `application/json; profile="`+schema+`#"; charset=utf-8`, map[string]any{
		"version": "2.0", "software": map[string]string{"name": software, "version": version},
		"protocols": []string{"activitypub"}, "services": map[string]any{"inbound": []string{}, "outbound": []string{}},
		"openRegistrations": false, "metadata": map[string]string{"nodeName": s.Name},
		"usage": map[string]any{"users": map[string]int{"total": people}, "localPosts": notes},
	})
}
