package delivery

import (
	"context"
	"errors"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// ring is the keys of a voice as they were from one rotation on.
type ring struct {
	voice    blog.ID
	rotation blog.ID
}

// signers are the keys with which a letter is signed.
type signers struct {
	first signature.Key
	then  *signature.Key // where the first is not believed
	old   *signature.Key // with which a server that knows it alone is told of the newest; nil when it is erased
	newer bool           // the first is the newest of two
}

// signers are the keys that a letter is signed with. What was written before the newest key begins with the old one, unless the
// server has the newest. The keys of a voice are parsed once; that there are others is seen in the letters, whichever process
// changed them.
func (c *Courier) signers(ctx context.Context, server *lease, delivery store.Delivery) (signers, error) {
	of := ring{delivery.VoiceID, delivery.Rotation}
	held, ok := c.keys.Load(of)
	if !ok {
		read, err := c.readKeys(ctx, delivery.VoiceID)
		if err != nil {
			return signers{}, err
		}
		if held = read; read[len(read)-1].Private != nil {
			c.keys.Store(of, read)
		}
	}
	list := held.([]signature.Key)
	newest := list[len(list)-1]
	switch {
	case len(list) == 1 || delivery.Rotation == "":
		return signers{first: newest}, nil
	case delivery.KnowsKey || server.knowsKey[delivery.VoiceID] || writtenAfter(delivery):
		return signers{first: newest, old: &list[0], newer: true}, nil
	}
	return signers{first: list[0], then: &newest}, nil
}

// writtenAfter reports whether a letter was written after its voice got its newest keys, be it with words of before.
func writtenAfter(l store.Delivery) bool {
	return l.ActivityID > l.Rotation || l.WrittenAt != nil && l.RotatedAt != nil && l.WrittenAt.After(*l.RotatedAt)
}

// postSigned brings words to the inbox of a letter and reports whether its server has the newest of two keys by now. A server that
// refuses the old signature has asked for our newest key already, and gets the words signed with that. One that refuses the newest
// key may know the old one alone, and ask for no other for hours (GoToSocial): it is told of the new one with the old signature, and
// gets the words again.
func (c *Courier) postSigned(ctx context.Context, delivery store.Delivery, said signed) (answer remote.Answer, newKey bool, err error) {
	by := said.signers
	answer, err = c.Remote.Post(ctx, delivery.Inbox, said.words, by.first, said.followers)
	switch {
	case err != nil:
	case by.then != nil && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden):
		answer, err = c.Remote.Post(ctx, delivery.Inbox, said.words, *by.then, said.followers)
		return answer, taken(answer, err), err
	case by.old != nil && answer.Status == http.StatusUnauthorized:
		return c.postAfterUpdate(ctx, delivery, said, answer)
	}
	return answer, taken(answer, err) && (by.newer || by.then != nil && delivery.ActivityID == delivery.Rotation), err
}

// postAfterUpdate tells a server that refused the newest key of it, signed with the old one, and brings it a letter again. Where that
// is not to be, the refusal stands.
func (c *Courier) postAfterUpdate(ctx context.Context, delivery store.Delivery, said signed, refusal remote.Answer) (remote.Answer, bool, error) {
	update, err := c.Store.LatestProfile(ctx, delivery.VoiceID, delivery.Rotation)
	switch {
	case errors.Is(err, blog.ErrNotFound) || leaving(delivery): // who left has no profile: the old key must do
		answer, err := c.Remote.Post(ctx, delivery.Inbox, said.words, *said.signers.old, said.followers)
		if !taken(answer, err) {
			return refusal, false, nil
		}
		return answer, false, nil
	case err != nil:
		return refusal, false, err
	}
	profile, err := c.payload(ctx, store.Delivery{ActivityID: update, VoiceID: delivery.VoiceID})
	if err != nil {
		return refusal, false, err
	}
	answer, err := c.Remote.Post(ctx, delivery.Inbox, profile.payload, *said.signers.old)
	switch {
	case !taken(answer, err):
		return refusal, false, nil
	case update == delivery.ActivityID:
		return answer, true, nil
	}
	answer, err = c.Remote.Post(ctx, delivery.Inbox, said.words, said.signers.first, said.followers)
	return answer, taken(answer, err), err
}

func taken(answer remote.Answer, err error) bool { return err == nil && answer.Status/100 == 2 }

// readKeys are the keys of a voice, the old one first. One that cannot be read is the zero key, with which nothing can be
// signed: the letter is refused and says so, and the others go on.
func (c *Courier) readKeys(ctx context.Context, voice blog.ID) ([]signature.Key, error) {
	found, err := c.Store.SigningKeys(ctx, voice)
	if err != nil {
		return nil, err
	}
	id := c.Site.InstanceID()
	if voice != "" {
		id = c.Site.ActorID(voice)
	}
	var list []signature.Key
	for _, pem := range []string{found.Old, found.Current} {
		key, err := signature.ParseKey(id+"#main-key", pem)
		switch {
		case err == nil:
			list = append(list, key)
		case pem == found.Current:
			c.Log.Error("the key of a voice cannot be read", "voice", voice, "error", err)
			list = append(list, signature.Key{})
		}
	}
	return list, nil
}
