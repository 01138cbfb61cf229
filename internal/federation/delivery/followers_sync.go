package delivery

import (
	"context"

	"causerie/internal/activity"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// followersDigest returns the Collection-Synchronization header of a delivery that is for followers only (FEP-8fcf). It
// names a list of the followers whom the sender has at the receiving server, and a digest of that list.
//
// Two servers may come to differ about who follows whom, because a delivery was lost or a database restored. Posts for
// followers then reach too many people or too few. A receiver with another digest asks for the list.
func (c *Courier) followersDigest(ctx context.Context, delivery store.Delivery) (string, error) {
	actor := c.Site.ActorID(delivery.VoiceID)
	followers, err := c.Store.FollowersAt(ctx, delivery.VoiceID, federation.OriginOf(delivery.Inbox))
	if err != nil {
		return "", err
	}
	header := activity.Synchronization{
		Collection: actor + "/followers",
		URL:        actor + "/followers_synchronization",
		Digest:     activity.FollowersDigest(followers),
	}
	return header.String(), nil
}
