package blog

import "time"

// Mention is a post elsewhere that names a voice of ours and speaks of no article. It is for that voice alone to read,
// whoever it was meant for: no page, feed, collection or count of the blog knows of it.
type Mention struct {
	ID          ID
	Address     string // its id on the wire; one that names several voices is a mention of each
	VoiceID     ID     // who is named
	ActorID     string // who wrote it
	Visibility  CommentVisibility
	HTML        string // cleaned; safe to print
	Plain       string
	Warning     string
	Language    string
	URL         string // where it can be read at its home
	Answers     string // the address of what it answers, "" when it begins a conversation
	PublishedAt time.Time
	ArrivedAt   time.Time
	UpdatedAt   *time.Time
	KeyMark     string // of the actor when it was written; see Actor.KeyMark
	Hidden      bool   // by whom it names
}
