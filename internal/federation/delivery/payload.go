package delivery

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// content is the body of a delivery, the keys that sign it, and the value of its Collection-Synchronization header.
type content struct {
	payload   []byte
	signers   signers
	followers string // see followersDigest; "" when the delivery is not for followers only
}

func (c *Courier) prepare(ctx context.Context, server *lease, delivery store.Delivery) (content, error) {
	keys, err := c.signers(ctx, server, delivery)
	if err != nil {
		return content{}, err
	}
	message, err := c.payload(ctx, delivery)
	if err != nil {
		return content{}, err
	}
	body := content{payload: message.payload, signers: keys}
	if message.forFollowers {
		body.followers, err = c.followersDigest(ctx, delivery)
	}
	return body, err
}

// post sends a delivery. A server that answers 413 gets it once more with the id of its object in place of the object
// (contract F-112). Later deliveries of that size are shortened from the beginning.
func (c *Courier) post(ctx context.Context, server *lease, delivery store.Delivery, body content) (
	answer remote.Answer, newKey bool, err error,
) {
	// A request that gets no answer for a second gives its slot up. The time begins with GetConn, since signing takes
	// its time on a busy machine and is not the server's fault.
	quiet := time.AfterFunc(time.Hour, server.slot.giveUp)
	defer quiet.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { quiet.Reset(slowAfter) },
	})
	whole := body.payload
	if server.TooLarge > 0 && len(whole) >= server.TooLarge {
		body.payload = shorten(whole, server.TooLarge)
	}
	answer, newKey, err = c.postSigned(ctx, delivery, body)
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		return answer, newKey, err
	}
	if err := c.Store.TooLarge(ctx, server.Host, len(body.payload)); err != nil {
		return answer, false, err
	}
	short, err := activity.ByReference(whole)
	if err != nil || len(short) >= len(body.payload) { // there is no shorter form: the 413 is the result
		return answer, false, nil
	}
	body.payload = short
	return c.postSigned(ctx, delivery, body)
}

// shorten returns a form of a payload that is shorter than limit bytes: without what it contains twice, or else with
// the id of its object in place of the object (contract F-112). A payload without a shorter form comes back unchanged.
func shorten(payload []byte, limit int) []byte {
	if once, err := activity.WithoutContentMap(payload); err == nil && len(once) < limit {
		return once
	}
	if short, err := activity.ByReference(payload); err == nil {
		return short
	}
	return payload
}

// payloadKey names an activity together with a revision of its object.
type payloadKey struct {
	activity blog.ID
	revision int
}

// message is the payload of an activity, and whether it is for followers only.
type message struct {
	payload      []byte
	forFollowers bool
}

// payload returns the message of a delivery. One activity goes to many servers, so the last ones are cached.
func (c *Courier) payload(ctx context.Context, delivery store.Delivery) (message, error) {
	key := payloadKey{delivery.ActivityID, delivery.Revision}
	c.mu.Lock()
	cached, ok := c.payloads.Get(key)
	c.mu.Unlock()
	if ok {
		return cached, nil
	}
	made, err, _ := c.reading.Do(fmt.Sprint("payload ", key), func() (any, error) {
		payload, err := c.compose(ctx, delivery)
		if err != nil {
			return message{}, err
		}
		m := message{payload: payload}
		if delivery.VoiceID != "" { // the instance actor has no followers
			m.forFollowers = activity.ForFollowersAlone(payload, c.Site.ActorID(delivery.VoiceID))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.payloads.Add(key, m)
		return m, nil
	})
	if err != nil {
		return message{}, err
	}
	return made.(message), nil
}

// compose returns the payload of a delivery. A Create that had not left when its object was edited carries the newer
// object. That object is taken from the activity of the edit, so that every attempt sends the same bytes.
func (c *Courier) compose(ctx context.Context, delivery store.Delivery) ([]byte, error) {
	queued, err := c.Store.Activity(ctx, delivery.ActivityID)
	if err != nil || queued.Kind != "Create" || queued.Revision == delivery.Revision {
		return queued.Payload, err
	}
	edit, err := c.Store.Edit(ctx, queued.ObjectID, delivery.Revision)
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", delivery.Revision, err)
	}
	return activity.WithObjectOf(queued.Payload, edit.Payload)
}
