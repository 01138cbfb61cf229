package overkant

import (
	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

// SetFeaturing sets who may feature Ilse in a collection, as her profile page does.
func (o *Blog) SetFeaturing(policy blog.FeaturePolicy) {
	o.T.Helper()
	v := o.StoredVoice(o.Ilse.ID)
	v.CanFeature = policy
	if err := o.Outbox.SaveProfile(o.Soon(), v); err != nil {
		o.T.Fatal(err)
	}
}

// Feature lets a person ask Ilse to be in a collection, and waits until the request is answered or kept.
func (o *Blog) Feature(p *fedtest.Person, collection string) (state, authorization string) {
	o.T.Helper()
	if _, err := p.Feature(o.Soon(), collection, o.Site.ActorID(o.Ilse.ID)); err != nil {
		o.T.Fatal(err)
	}
	o.WaitSettled()
	if len(o.Features(blog.AuthorizationAsked)) == 0 {
		o.Until("the request is answered", func() bool {
			state, authorization = p.Featured(collection, o.Site.ActorID(o.Ilse.ID))
			return state != fedtest.Pending
		})
		return state, authorization
	}
	return p.Featured(collection, o.Site.ActorID(o.Ilse.ID))
}

// Features returns the collections with a permission of Ilse in a state.
func (o *Blog) Features(state blog.AuthorizationState) []blog.Feature {
	o.T.Helper()
	list, err := o.Store.Features(o.Soon(), o.Ilse.ID, state)
	if err != nil {
		o.T.Fatal(err)
	}
	return list
}
