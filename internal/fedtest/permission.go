package fedtest

import (
	"context"
	"fmt"
	"slices"
)

// permission is what a note here has asked of the author of the object that it quotes or answers, or a collection of
// the actor whom it features.
type permission struct {
	request       string // id of the request, "" where the note itself asks
	object        string // what the note quotes or answers, or the actor
	authorization string // address of the document that proves a yes
	state         string // Pending, Accepted, Rejected or Revoked
}

// Revoked is the state of a permission that was given and taken back. See [Person.Permission].
const Revoked = "revoked"

// Quoting makes a note quote an object: in the properties of FEP-044f and Mastodon, or in those of Misskey.
func Quoting(object string) NoteOption { return func(d *draft) { d.quote = object } }

// RequestQuote writes a note that quotes an object, and asks the object's author for permission (FEP-044f). It sends
// only the request. Sent.Object is the id of the note.
func (p *Person) RequestQuote(ctx context.Context, object, html string, options ...NoteOption) (Sent, error) {
	return p.requestFor(ctx, "QuoteRequest", object, html, append([]NoteOption{Quoting(object)}, options...))
}

// RequestReply writes a note that answers an object, and asks the object's author for permission, as GoToSocial does
// since 0.20. It sends only the request. Sent.Object is the id of the note.
func (p *Person) RequestReply(ctx context.Context, object, html string, options ...NoteOption) (Sent, error) {
	return p.requestFor(ctx, "ReplyRequest", object, html, append([]NoteOption{InReplyTo(object)}, options...))
}

// requestFor writes a note and sends a request for it.
func (p *Person) requestFor(ctx context.Context, kind, object, html string, options []NoteOption) (Sent, error) {
	author, err := p.authorOf(ctx, object)
	if err != nil {
		return Sent{}, fmt.Errorf("%s: %w", kind, err)
	}
	written, err := p.write(ctx, html, options)
	if err != nil {
		return Sent{}, err
	}
	s := p.Server
	s.mu.Lock()
	n := s.notes[written.Object]
	request := map[string]any{"id": fmt.Sprintf("%s#asks/%d", p.ID, s.world.nextID()), "type": kind, "object": object,
		"instrument": n.document(), "to": []string{author.ID}}
	// Before the request is sent: the answer may arrive before the response.
	n.asked = &permission{request: firstString(request["id"]), object: object, state: Pending}
	s.mu.Unlock()
	sent, err := p.deliver(ctx, request, author.Inbox)
	sent.Object = written.Object
	return sent, err
}

// neededPermission returns the permission that a reply to an object needs, and nil when it needs none. GoToSocial
// 0.20 asks for it with the Create itself.
func (p *Person) neededPermission(ctx context.Context, object string) (*permission, error) {
	if p.Server.Software != GoToSocial {
		return nil, nil
	}
	document, err := p.Server.instance.fetchObject(ctx, object)
	if err != nil {
		return nil, err
	}
	policy, _ := document["interactionPolicy"].(map[string]any)
	rule, ruled := policy["canReply"].(map[string]any)
	if !ruled || slices.Contains(idsOf(rule["automaticApproval"]), public) {
		return nil, nil
	}
	return &permission{object: object, state: Pending}, nil
}

// SendCreate sends the Create of a note to its usual inboxes and to one more, as servers do once they have the
// permission.
func (p *Person) SendCreate(ctx context.Context, noteID, inbox string) (Sent, error) {
	s := p.Server
	s.mu.Lock()
	n := s.notes[noteID]
	if n == nil || n.author != p {
		s.mu.Unlock()
		return Sent{}, fmt.Errorf("tell: %s has written no note %s", p.Handle(), noteID)
	}
	n.inboxes = append(n.inboxes, inbox)
	create, inboxes := n.create(), slices.Clone(n.inboxes)
	s.mu.Unlock()
	return p.deliver(ctx, create, inboxes...)
}

// Permission returns the state of the permission that a note asked for, and the authorization that proves it. The
// state is "" when the note asked for none.
func (p *Person) Permission(noteID string) (state, authorization string) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if n := p.Server.notes[noteID]; n != nil && n.asked != nil {
		return n.asked.state, n.asked.authorization
	}
	return "", ""
}

// permissions returns what is asked here, with the id of the note or the collection. Server.mu is held.
func (s *Server) permissions() map[*permission]string {
	all := map[*permission]string{}
	for id, n := range s.notes {
		if n.asked != nil {
			all[n.asked] = id
		}
	}
	for id, c := range s.collections {
		for _, i := range c.items {
			all[&i.permission] = id
		}
	}
	return all
}

// applyPermission processes the answer to a request. It finds the request by its own id or by that of the note.
// Server.mu is held.
func (s *Server) applyPermission(by, about, state, result string) {
	for asked, instrument := range s.permissions() {
		// Only the server of the object may answer for it.
		if about != asked.request && about != instrument || !sameHost(by, asked.object) {
			continue
		}
		if state == Rejected {
			asked.state = Rejected
			continue
		}
		// A yes counts only when its authorization can be fetched. That takes time, and Server.mu is held here.
		s.world.background("verify a authorization",
			func(ctx context.Context) error { return s.verifyAuthorization(ctx, asked, instrument, by, result) })
	}
}

// verifyAuthorization fetches an authorization, compares all its members with what asked for it, and accepts the
// permission.
func (s *Server) verifyAuthorization(ctx context.Context, asked *permission, instrument, by,
	authorization string) error {
	// An authorization elsewhere proves nothing about the author.
	if !sameHost(authorization, by) {
		return fmt.Errorf("the authorization %s is not on the server of %s", authorization, by)
	}
	document, err := s.instance.fetchObject(ctx, authorization)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for property, want := range map[string]string{"id": authorization, "attributedTo": by,
		"interactingObject": instrument, "interactionTarget": asked.object} {
		if got := idOf(document[property]); got != want {
			return fmt.Errorf("the authorization %s has %s %q, want %q", authorization, property, got, want)
		}
	}
	asked.state, asked.authorization = Accepted, authorization
	return nil
}

// applyRevocation ends the permission that a deleted authorization proved. Server.mu is held.
func (s *Server) applyRevocation(by, authorization string) {
	for asked := range s.permissions() {
		if asked.authorization == authorization && sameHost(by, authorization) {
			asked.state = Revoked
		}
	}
}

// addQuote adds to a note's document the quote and the authorizations that the note has. Server.mu is held.
func (n *note) addQuote(document map[string]any) {
	if n.quote != "" && n.author.Server.Software == Misskey {
		document["_misskey_quote"], document["quoteUrl"] = n.quote, n.quote
	} else if n.quote != "" {
		document["quote"], document["quoteUri"], document["_misskey_quote"] = n.quote, n.quote, n.quote
	}
	if n.asked == nil || n.asked.authorization == "" {
		return
	}
	if n.quote != "" {
		document["quoteAuthorization"] = n.asked.authorization
	} else {
		document["replyAuthorization"] = n.asked.authorization
	}
}
