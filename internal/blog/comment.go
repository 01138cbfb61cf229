package blog

import (
	"sort"
	"time"
)

// Origin is the way by which a comment reached us.
type Origin string

const (
	Pushed  Origin = "pushed"  // signed and sent by its author's server
	Fetched Origin = "fetched" // asked for, to complete a thread
	Own     Origin = "local"   // written here by an author of ours
)

// CommentVisibility is for whom a comment was meant. Restricted ones reach no page, feed, collection, count or cache.
type CommentVisibility string

const (
	PublicComment     CommentVisibility = "public"
	UnlistedComment   CommentVisibility = "unlisted"
	RestrictedComment CommentVisibility = "restricted"
)

// CommentState is what moderation made of a comment.
type CommentState string

const (
	CommentWaiting CommentState = "waiting"
	CommentShown   CommentState = "shown"
	CommentHidden  CommentState = "hidden"
	CommentSpam    CommentState = "spam"
	// taken back by its author; its words are erased, its place kept while it has answers
	CommentRemoved CommentState = "removed"
)

// CommentKind is how a comment stands to its article.
type CommentKind string

const (
	Answering  CommentKind = ""        // it answers the article or a comment under it
	Quoting    CommentKind = "quote"   // a post elsewhere that quotes the article
	Mentioning CommentKind = "mention" // a post elsewhere that names its author and links to it
	Linking    CommentKind = "link"    // a post elsewhere that links to it
)

// Comment is a voice under an article: an answer of somebody's elsewhere, an author's own, or a post elsewhere that
// quotes or mentions the article. The latter are not counted among the replies.
type Comment struct {
	ID          ID
	Kind        CommentKind
	Address     string // its id on the wire
	ArticleID   ID
	ParentID    ID     // the comment it answers; "" when it answers the article
	ActorID     string // who wrote it elsewhere; "" for our own
	VoiceID     ID     // who wrote it here; "" for theirs
	Origin      Origin
	Visibility  CommentVisibility
	State       CommentState
	HTML        string // cleaned; safe to print
	Plain       string
	Markdown    string // of our own answers
	Warning     string
	Language    string
	URL         string    // where it can be read at its home
	ContextURL  string    // where its home lists the conversation that it belongs to, "" when it does not
	RepliesURL  string    // where its home lists what answers it, "" when it does not
	PublishedAt time.Time // as sent
	SortedAt    time.Time // PublishedAt clamped to [article, arrival]: nobody pins a comment with a date
	ArrivedAt   time.Time
	UpdatedAt   *time.Time
	KeyMark     string // of the actor when it was written; see Actor.KeyMark
	Held        bool   // it waits for no other reason than that its writer is limited
	Refused     bool   // its writer is refused, whatever its state
}

// Public reports whether the comment may stand on a page. It is the one rule about who sees what; queries that read
// for the public say the same in SQL.
func (c Comment) Public() bool {
	return c.State == CommentShown && c.Visibility != RestrictedComment && !c.Refused
}

// ClampTime keeps a date that its sender chose within what is possible: not before the article, not after arrival.
func ClampTime(sent, earliest, arrival time.Time) time.Time {
	if sent.Before(earliest) {
		return earliest
	}
	if sent.After(arrival) {
		return arrival
	}
	return sent
}

// Thread is a comment with the answers to it, oldest first.
type Thread struct {
	Comment Comment
	Depth   int // 0 for an answer to the article itself
	Answers []Thread
}

// Threads makes trees of an article's comments. A comment whose parent is not among them stands at the top; a removed
// one is kept only while it has answers. The input may be in any order, and may not loop.
func Threads(comments []Comment) []Thread {
	known := make(map[ID]bool, len(comments))
	for _, c := range comments {
		known[c.ID] = true
	}
	answers := map[ID][]Comment{}
	for _, c := range comments {
		parent := c.ParentID
		if !known[parent] || parent == c.ID {
			parent = ""
		}
		answers[parent] = append(answers[parent], c)
	}
	return grow(answers, "", 0)
}

func grow(answers map[ID][]Comment, parent ID, depth int) []Thread {
	list := answers[parent]
	delete(answers, parent)
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].SortedAt.Equal(list[j].SortedAt) {
			return list[i].ID < list[j].ID
		}
		return list[i].SortedAt.Before(list[j].SortedAt)
	})
	var threads []Thread
	for _, c := range list {
		thread := Thread{Comment: c, Depth: depth, Answers: grow(answers, c.ID, depth+1)}
		if c.State != CommentRemoved || len(thread.Answers) > 0 {
			threads = append(threads, thread)
		}
	}
	return threads
}
