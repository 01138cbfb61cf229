package delivery

import (
	"context"

	"causerie/internal/activity"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// Two servers may come to differ over who follows whom: a letter was lost, or a database set back. What goes to followers
// alone then reaches too many or too few. So each such letter says, in a digest, whom its sender takes for followers at the
// receiver, who asks for the list when it has another one in mind (FEP-8fcf).

// synchronization is what goes along with a letter that is for followers alone.
func (c *Courier) synchronization(ctx context.Context, delivery store.Delivery) (string, error) {
	actor := c.Site.ActorID(delivery.VoiceID)
	there, err := c.Store.FollowersAt(ctx, delivery.VoiceID, federation.OriginOf(delivery.Inbox))
	return activity.Synchronization{Collection: actor + "/followers", URL: actor + "/followers_synchronization",
		Digest: activity.FollowersDigest(there)}.String(), err
}
