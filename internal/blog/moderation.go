package blog

// Policy is who may comment on an article without waiting.
type Policy string

const (
	Open    Policy = "open"    // everybody
	Known   Policy = "known"   // followers, people whom an author follows, people approved before; the rest waits
	Approve Policy = "approve" // everybody waits
	Closed  Policy = "closed"  // nobody may
)

// Relation is what ties a commenter to the author of an article.
type Relation struct {
	Follows        bool // follows an author of ours
	Followed       bool // an author of ours follows them
	ApprovedBefore bool // an earlier comment of theirs was approved
}

// Admit decides where a new comment goes: shown or waiting. Under a closed article an answer is ErrForbidden; a post
// elsewhere that quotes or mentions it waits. Restricted words are never shown, whatever the policy, so they need no
// approval.
func (p Policy) Admit(c Comment, who Relation) (CommentState, error) {
	switch {
	case c.VoiceID != "" || c.Visibility == RestrictedComment:
		return CommentShown, nil
	case p == Closed && c.Kind == Answering:
		return "", ErrForbidden
	case p == Approve || p == Closed:
		return CommentWaiting, nil
	case p == Known && !who.Follows && !who.Followed && !who.ApprovedBefore:
		return CommentWaiting, nil
	}
	return CommentShown, nil
}
