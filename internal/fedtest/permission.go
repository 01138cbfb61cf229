package fedtest

import (
	"context"
	"fmt"
	"slices"
)

// permission is what a note here asked of the author of what it quotes or answers.
type permission struct {
	request       string // id of the QuoteRequest or ReplyRequest, "" where the note itself asks
	object        string // what the note quotes or answers
	authorization string // address of the document that proves a yes
	state         string // Pending, Accepted, Rejected or Revoked
}

// Revoked is how a permission stands that was given and taken back, as told by [Person.Permission].
const Revoked = "revoked"

// Quoting makes a note quote an object: in the words of FEP-044f and of Mastodon, or in those of Misskey.
func Quoting(object string) NoteOption { return func(d *draft) { d.quote = object } }

// RequestQuote writes a note that quotes an object and asks the author of that object whether it may (FEP-044f).
// Nothing but the request is sent. Sent.Object is the note's id.
func (p *Person) RequestQuote(ctx context.Context, object, html string, options ...NoteOption) (Sent, error) {
	return p.requestFor(ctx, "QuoteRequest", object, html, append([]NoteOption{Quoting(object)}, options...))
}

// RequestReply writes a note that answers an object and asks the author of that object whether it may, as GoToSocial
// does since 0.20. Nothing but the request is sent. Sent.Object is the note's id.
func (p *Person) RequestReply(ctx context.Context, object, html string, options ...NoteOption) (Sent, error) {
	return p.requestFor(ctx, "ReplyRequest", object, html, append([]NoteOption{InReplyTo(object)}, options...))
}

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
	n.asked = &permission{request: firstString(request["id"]), object: object, state: Pending}
	s.mu.Unlock()
	sent, err := p.deliver(ctx, request, author.Inbox)
	sent.Object = written.Object
	return sent, err
}

// neededPermission is what a note needs that answers an object, nil when it may stand at once. GoToSocial 0.20 asks
// for it by nothing but the Create itself.
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

// SendCreate sends the Create of a note of this person to everybody whom it concerns and to one inbox more, as
// servers do once they were allowed to.
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

// Permission is how far the permission has come that a note asked for, and the authorization that proves it; state ""
// when it asked for none.
func (p *Person) Permission(noteID string) (state, authorization string) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if n := p.Server.notes[noteID]; n != nil && n.asked != nil {
		return n.asked.state, n.asked.authorization
	}
	return "", ""
}

// applyPermission takes an answer to a request, found by the id of the request or by that of the note. A yes is
// believed once its authorization was fetched: Server.mu is held.
func (s *Server) applyPermission(by, about, state, result string) {
	for id, n := range s.notes {
		if n.asked == nil || about != n.asked.request && about != id || !sameHost(by, n.asked.object) {
			continue
		}
		if state == Rejected {
			n.asked.state = Rejected
			continue
		}
		s.world.background("verify a authorization",
			func(ctx context.Context) error { return s.verifyAuthorization(ctx, n, by, result) })
	}
}

func (s *Server) verifyAuthorization(ctx context.Context, n *note, by, authorization string) error {
	if !sameHost(authorization, by) {
		return fmt.Errorf("the authorization %s is not on the server of %s", authorization, by)
	}
	document, err := s.instance.fetchObject(ctx, authorization)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for property, want := range map[string]string{"id": authorization, "attributedTo": by, "interactingObject": n.id,
		"interactionTarget": n.asked.object} {
		if got := idOf(document[property]); got != want {
			return fmt.Errorf("the authorization %s has %s %q, want %q", authorization, property, got, want)
		}
	}
	n.asked.state, n.asked.authorization = Accepted, authorization
	return nil
}

// applyRevocation ends the permission that an authorization proved: Server.mu is held.
func (s *Server) applyRevocation(by, authorization string) {
	for _, n := range s.notes {
		if n.asked != nil && n.asked.authorization == authorization && sameHost(by, authorization) {
			n.asked.state = Revoked
		}
	}
}

// addQuote adds to a note's document what it quotes and by what right: Server.mu is held.
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
