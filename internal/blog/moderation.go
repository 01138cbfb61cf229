package blog

// Policy is who may comment on an article without approval.
type Policy string

const (
	Open    Policy = "open"    // everybody
	Known   Policy = "known"   // followers, people an author follows, and people approved before; others wait
	Approve Policy = "approve" // everybody waits
	Closed  Policy = "closed"  // nobody may
)

// Relation is what connects a commenter with the voices of this blog.
type Relation struct {
	Follows        bool // follows an author of ours
	Followed       bool // an author of ours follows them
	ShownBefore    bool // readers see an earlier comment of theirs
	ApprovedBefore bool // readers see one because a person of ours let them
}

// Admit decides whether a new comment is shown or waits for approval. A reply under a closed article is ErrForbidden.
func (p Policy) Admit(c Comment, who Relation) (CommentState, error) {
	switch {
	// A restricted comment is never public, whatever its state, so there is nothing to approve.
	case c.VoiceID != "" || c.Visibility == RestrictedComment:
		return CommentShown, nil
	case p == Closed && c.Kind == Answering:
		return "", ErrForbidden
	// A quote or a mention of a closed article exists elsewhere in any case. Its author decides whether it is shown
	// here.
	case p == Approve || p == Closed:
		return CommentWaiting, nil
	case p == Known && !who.Follows && !who.Followed && !who.ApprovedBefore:
		return CommentWaiting, nil
	}
	return CommentShown, nil
}
