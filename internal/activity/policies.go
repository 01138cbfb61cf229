package activity

import "time"

// Policies are what a document says of how those who read it are to behave; what it does not say is nil.
type Policies struct {
	// Of somebody: whether followers wait for a yes, and whether they and their words may be found by searching (FEP-5feb).
	ApprovesFollowers, Discoverable, Indexable *bool

	// Of a post: who may answer and who may quote it (interactionPolicy: GoToSocial, FEP-044f).
	CanReply, CanQuote *Rule
}

// Rule is who may do something at once, and who once the author says yes: ids of actors and of collections of them, at
// most 100 each, and Public in any of its three spellings.
type Rule struct{ Automatic, Manual []string }

// Everybody reports whether a list of ids includes the public.
func Everybody(ids []string) bool { return anyPublic(ids) }

// ParsePolicies reads them out of a profile or a post.
func ParsePolicies(d *Document) Policies {
	policy := embedded(d.root["interactionPolicy"])
	return Policies{ApprovesFollowers: truth(d.root["manuallyApprovesFollowers"]), Discoverable: truth(d.root["discoverable"]),
		Indexable: truth(d.root["indexable"]), CanReply: rule(policy["canReply"]), CanQuote: rule(policy["canQuote"])}
}

func truth(value any) *bool {
	said, ok := one(value).(bool)
	if !ok {
		return nil
	}
	return &said
}

// rule is what a policy says of one kind of deed. GoToSocial named its lists always and with approval before 0.20.
func rule(value any) *Rule {
	said := embedded(value)
	if said == nil {
		return nil
	}
	either := func(name, before string) []string {
		if said[name] == nil {
			name = before
		}
		return recipients(said[name])
	}
	return &Rule{Automatic: either("automaticApproval", "always"), Manual: either("manualApproval", "approvalRequired")}
}

// IsActor reports whether a document is by its type the profile of somebody.
func (d *Document) IsActor() bool { return actors[d.Type()] }

// ProofMade is when the proof in a document says that it was made; false without one that says so.
func (d *Document) ProofMade() (time.Time, bool) {
	return moment(embedded(d.root["proof"])["created"])
}
