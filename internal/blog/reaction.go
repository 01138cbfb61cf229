package blog

import "time"

// ReactionKind is the kind of a reaction to an article or a comment.
type ReactionKind string

const (
	Like  ReactionKind = "like"
	Boost ReactionKind = "boost"
	Emoji ReactionKind = "emoji"
)

// Reaction is one reaction of one actor to one target.
type Reaction struct {
	ID        ID
	Address   string // id of its activity; an Undo names it
	Kind      ReactionKind
	ActorID   string
	ArticleID ID // always set: the target, or the article above the comment
	CommentID ID // "" when the article itself is the target
	Emoji     string
	At        time.Time
}

// EmojiCount is how many actors reacted with one emoji.
type EmojiCount struct {
	Emoji string
	N     int
}

// Counts are the numbers under a title. Only what readers may see is counted.
type Counts struct {
	Replies  int
	Servers  int // from which the replies come
	Mentions int // posts elsewhere that quote, mention or link to it
	Likes    int // including emoji reactions
	Boosts   int
}

// fullVoice is how many actors of the largest server count in full, however few there are elsewhere.
const fullVoice = 100

// CountFairly is how many of all actors with the same reaction are counted, when most of them are on one server.
// Accounts on one's own server cost nothing. So the actors of the largest server count in full up to a hundred.
// Beyond that they count only up to the number of all the others.
func CountFairly(all, most int) int {
	others := all - most
	return others + min(most, max(fullVoice, others))
}
