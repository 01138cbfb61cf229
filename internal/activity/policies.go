package activity

import "time"

// Policies are the rules that a document sets for its readers. A rule that it does not set is nil.
type Policies struct {
	// Of an actor: whether followers need approval, and whether the actor and its posts may be found by search (FEP-5feb).
	ApprovesFollowers, Discoverable, Indexable *bool

	// Of a post: who may reply to it and who may quote it (interactionPolicy: GoToSocial, FEP-044f).
	CanReply, CanQuote *Rule
}

// Rule says who may do something without approval (Automatic) and who with it (Manual): ids of actors and of
// collections of actors, at most 100 each, and Public in any of its three spellings.
type Rule struct{ Automatic, Manual []string }

// Everybody reports whether a list of ids includes the public.
func Everybody(ids []string) bool { return anyPublic(ids) }

// ParsePolicies reads the policies of a profile or a post.
func ParsePolicies(d *Document) Policies {
	policy := embedded(d.root["interactionPolicy"])
	return Policies{ApprovesFollowers: boolOf(d.root["manuallyApprovesFollowers"]),
		Discoverable: boolOf(d.root["discoverable"]),
		Indexable:    boolOf(d.root["indexable"]), CanReply: rule(policy["canReply"]), CanQuote: rule(policy["canQuote"])}
}

func boolOf(value any) *bool {
	set, ok := one(value).(bool)
	if !ok {
		return nil
	}
	return &set
}

// rule reads the rule for one kind of interaction. Before 0.20 GoToSocial called its lists always and approvalRequired.
func rule(value any) *Rule {
	policy := embedded(value)
	if policy == nil {
		return nil
	}
	either := func(name, before string) []string {
		if policy[name] == nil {
			name = before
		}
		return recipients(policy[name])
	}
	return &Rule{Automatic: either("automaticApproval", "always"), Manual: either("manualApproval", "approvalRequired")}
}

// IsActor reports whether a document has the type of an actor.
func (d *Document) IsActor() bool { return actors[d.Type()] }

// ProofMade returns the time at which the proof in a document claims to be made; false when there is none.
func (d *Document) ProofMade() (time.Time, bool) {
	return parseTime(embedded(d.root["proof"])["created"])
}
