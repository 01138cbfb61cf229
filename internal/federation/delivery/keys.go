package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// ring names the keys of a voice as they are since one rotation.
type ring struct {
	voice    blog.ID
	rotation blog.ID
}

// signers are the keys that may sign a delivery.
type signers struct {
	first signature.Key
	then  *signature.Key // tried when the first is refused; may be nil
	old   *signature.Key // announces the newest key to a server that has only the old one; nil when it is erased
	newer bool           // first is the newest of two keys
}

// signers returns the keys that may sign a delivery. A delivery that was queued before the newest key begins with the
// old one, unless the server has the newest.
func (c *Courier) signers(ctx context.Context, server *lease, delivery store.Delivery) (signers, error) {
	// Parsing is slow, so it is done once for each rotation. Each delivery names the rotation, so we see a new key also
	// when another process made it.
	name := ring{delivery.VoiceID, delivery.Rotation}
	cached, ok := c.keys.Load(name)
	if !ok {
		var err error
		cached, err, _ = c.reading.Do(fmt.Sprint("keys ", name), func() (any, error) {
			read, err := c.readKeys(ctx, delivery.VoiceID)
			if err == nil && read[len(read)-1].Private != nil {
				c.keys.Store(name, read)
			}
			return read, err
		})
		if err != nil {
			return signers{}, err
		}
	}
	list := cached.([]signature.Key)
	newest := list[len(list)-1]
	switch {
	case len(list) == 1 || delivery.Rotation == "":
		return signers{first: newest}, nil
	case delivery.KnowsKey || server.knowsKey[delivery.VoiceID] || queuedAfterRotation(delivery):
		return signers{first: newest, old: &list[0], newer: true}, nil
	}
	return signers{first: list[0], then: &newest}, nil
}

// queuedAfterRotation reports whether a delivery was queued after its voice got its newest key. A retry of an older
// activity counts as well.
func queuedAfterRotation(d store.Delivery) bool {
	return d.ActivityID > d.Rotation || d.WrittenAt != nil && d.RotatedAt != nil && d.WrittenAt.After(*d.RotatedAt)
}

// postSigned sends a payload to the inbox of a delivery. newKey reports whether the server now has the newest of two
// keys.
//
// A server that refuses the old key has just fetched our newest one, so the payload is sent again with that. A server
// that refuses the newest key may have only the old one, and may not fetch another for hours (GoToSocial). The new key
// is then announced with the old signature, and the payload is sent again.
func (c *Courier) postSigned(ctx context.Context, delivery store.Delivery, body content) (
	answer remote.Answer, newKey bool, err error,
) {
	keys := body.signers
	answer, err = c.Remote.Post(ctx, delivery.Inbox, body.payload, keys.first, body.followers)
	switch {
	case err != nil:
	case keys.then != nil && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden):
		answer, err = c.Remote.Post(ctx, delivery.Inbox, body.payload, *keys.then, body.followers)
		return answer, isAccepted(answer, err), err
	case keys.old != nil && answer.Status == http.StatusUnauthorized:
		return c.postAfterUpdate(ctx, delivery, body, answer)
	}
	announcesKey := keys.then != nil && delivery.ActivityID == delivery.Rotation
	return answer, isAccepted(answer, err) && (keys.newer || announcesKey), err
}

// postAfterUpdate announces the newest key to a server that refused it, signed with the old key, and sends the delivery
// again. If the server does not accept that, its first refusal is the result.
func (c *Courier) postAfterUpdate(ctx context.Context, delivery store.Delivery, body content, refusal remote.Answer) (
	remote.Answer, bool, error,
) {
	update, err := c.Store.LatestProfile(ctx, delivery.VoiceID, delivery.Rotation)
	switch {
	case errors.Is(err, blog.ErrNotFound) || isActorDelete(delivery): // no profile to announce: only the old key is left
		answer, err := c.Remote.Post(ctx, delivery.Inbox, body.payload, *body.signers.old, body.followers)
		if !isAccepted(answer, err) {
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
	answer, err := c.Remote.Post(ctx, delivery.Inbox, profile.payload, *body.signers.old)
	switch {
	case !isAccepted(answer, err):
		return refusal, false, nil
	case update == delivery.ActivityID: // the profile was the delivery itself
		return answer, true, nil
	}
	answer, err = c.Remote.Post(ctx, delivery.Inbox, body.payload, body.signers.first, body.followers)
	return answer, isAccepted(answer, err), err
}

func isAccepted(answer remote.Answer, err error) bool { return err == nil && answer.Status/100 == 2 }

// readKeys returns the keys of a voice, the old one first. A current key that cannot be parsed comes back as the zero
// key, which cannot sign: each delivery of this voice is then refused with that reason, and other voices go on.
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
			c.Log.Error("the signing key of a voice cannot be read", "voice", voice, "error", err)
			list = append(list, signature.Key{})
		}
	}
	return list, nil
}
