package blog

import "time"

// FeaturePolicy says who may feature an author in a collection of recommended accounts (FEP-7aa9).
type FeaturePolicy string

const (
	FeatureAsProfile FeaturePolicy = ""          // as the other choices of the profile say, see Voice.MayFeature
	FeatureEveryone  FeaturePolicy = "everyone"  // without asking
	FeatureFollowers FeaturePolicy = "followers" // without asking, and nobody else
	FeatureAsk       FeaturePolicy = "ask"       // the author decides each time
	FeatureNobody    FeaturePolicy = "nobody"
)

// Check returns an Invalid for a word that is no policy.
func (p FeaturePolicy) Check() error {
	return oneOf("featured", p, FeatureAsProfile, FeatureEveryone, FeatureFollowers, FeatureAsk, FeatureNobody)
}

// MayFeature returns who may feature the voice: what its author chose, or what Mastodon derives from the same choices.
// It is never FeatureAsProfile. Only authors can be featured, and none who moved away: their account is elsewhere.
func (v Voice) MayFeature() FeaturePolicy {
	switch {
	case v.Kind != AuthorVoice || !v.Followable():
		return FeatureNobody
	case v.CanFeature != FeatureAsProfile:
		return v.CanFeature
	case !v.Discoverable:
		return FeatureNobody
	case v.ApprovesFollowers:
		return FeatureFollowers
	}
	return FeatureEveryone
}

// FeaturesAuthors reports whether the voice publishes the collection of the authors.
func (v Voice) FeaturesAuthors() bool {
	return v.Kind == SiteVoice && v.FeaturesSince != nil && v.Followable()
}

// MostFeatured is how many authors the blog recommends in its collection: as many as one on Mastodon may have.
const MostFeatured = 25

// OfThisBlog reports whether it is for the collection in which this blog recommends its authors.
func (t Authorization) OfThisBlog() bool { return t.Kind == FeatureAuthorization && t.ActorID == "" }

// FeaturedCollection is a list of recommended accounts that somebody on another server publishes (FEP-7aa9).
type FeaturedCollection struct {
	Address string // ActivityPub id
	ActorID string // whose it is
	Name    string
	Topic   string // a hashtag without its "#"; "" without one
	URL     string // page to see it on
	CheckAt time.Time
}

// Feature is a collection that features an author or asks to, with its permission.
type Feature struct {
	Authorization
	Collection FeaturedCollection `db:"-"`
	Owner      Actor              `db:"-"` // zero where that is this blog
}
