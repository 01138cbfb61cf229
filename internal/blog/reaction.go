package blog

import "time"

// ReactionKind is what somebody did with an article or comment without a word.
type ReactionKind string

const (
	Like  ReactionKind = "like"
	Boost ReactionKind = "boost"
	Emoji ReactionKind = "emoji"
)

// Reaction is one act of one person on one target.
type Reaction struct {
	ID        ID
	Address   string // of the activity that said it; undone by it
	Kind      ReactionKind
	ActorID   string
	ArticleID ID // always set: the article, or the one that the comment stands under
	CommentID ID // "" when the article itself is meant
	Emoji     string
	At        time.Time
}

// EmojiCount is how many people reacted with one emoji.
type EmojiCount struct {
	Emoji string
	N     int
}

// Counts is what stands under a title. Only what readers may see is counted.
type Counts struct {
	Replies  int
	Servers  int // how many servers the replies come from
	Mentions int // posts elsewhere that quote or mention it
	Likes    int // emoji reactions among them
	Boosts   int
}

// fullVoice is how many people of one server count in full, however few there are elsewhere.
const fullVoice = 100

// CountFairly is how many of all who did the same are counted when most of them, at one server, are so many. Accounts
// cost nothing where one mints them oneself, so the people of the largest server count in full up to a hundred, and
// beyond that only as far as the same number did it at all other servers together.
func CountFairly(all, most int) int {
	others := all - most
	return others + min(most, max(fullVoice, others))
}
