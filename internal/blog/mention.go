package blog

import "time"

// Mention is a post elsewhere that mentions a voice of ours and does not belong to an article. Only that voice may
// read it, whatever its audience was. No page, feed, collection or count of the blog includes it.
type Mention struct {
	ID          ID
	Address     string // its id on the wire; a post that mentions several voices is one mention for each
	VoiceID     ID     // who is mentioned
	ActorID     string // its author
	Visibility  CommentVisibility
	HTML        string // cleaned; safe to print
	Plain       string
	Warning     string
	Language    string
	URL         string // its page on its own server
	Answers     string // address of the post that it replies to, "" if none
	PublishedAt time.Time
	ArrivedAt   time.Time
	UpdatedAt   *time.Time
	KeyMark     string // of the actor when it was written; see Actor.KeyMark
	Hidden      bool   // by the voice that it mentions
}
