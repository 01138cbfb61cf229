package blog

import (
	"sort"
	"time"
)

// Origin is how a comment reached us.
type Origin string

const (
	Pushed  Origin = "pushed"  // sent by its author's server
	Fetched Origin = "fetched" // fetched by us, to complete a thread
	Own     Origin = "local"   // written here by an author of ours
)

// CommentVisibility is the audience of a comment. Restricted comments appear on no page and in no feed, collection,
// count or cache.
type CommentVisibility string

const (
	PublicComment     CommentVisibility = "public"
	UnlistedComment   CommentVisibility = "unlisted"
	RestrictedComment CommentVisibility = "restricted"
)

// CommentState is the decision of moderation about a comment.
type CommentState string

const (
	CommentWaiting CommentState = "waiting"
	CommentShown   CommentState = "shown"
	CommentHidden  CommentState = "hidden"
	CommentSpam    CommentState = "spam"
	// deleted by its author: the text is erased, the place stays while it has replies
	CommentRemoved CommentState = "removed"
)

// CommentKind is how a comment relates to its article.
type CommentKind string

const (
	Answering  CommentKind = ""        // replies to the article or to a comment under it
	Quoting    CommentKind = "quote"   // quotes the article
	Mentioning CommentKind = "mention" // mentions the article's author and links to the article
	Linking    CommentKind = "link"    // links to the article
)

// Comment is a post under an article: a reply from elsewhere, a reply by an author of ours, or a post elsewhere that
// quotes, mentions or links to the article. Only replies are counted as replies.
type Comment struct {
	ID          ID
	Kind        CommentKind
	Address     string // its id on the wire
	ArticleID   ID
	ParentID    ID     // the comment that it replies to; "" when it replies to the article
	ActorID     string // its author elsewhere; "" for our own
	VoiceID     ID     // its author here; "" for others
	Origin      Origin
	Visibility  CommentVisibility
	State       CommentState
	HTML        string // cleaned; safe to print
	Plain       string
	Markdown    string // of our own answers
	Warning     string
	Language    string
	URL         string    // its page on its own server
	ContextURL  string    // where its server lists the whole conversation, "" if nowhere
	RepliesURL  string    // where its server lists the replies to it, "" if nowhere
	PublishedAt time.Time // as sent
	SortedAt    time.Time // PublishedAt clamped to [article, arrival]: a false date cannot move a comment to the top
	ArrivedAt   time.Time
	UpdatedAt   *time.Time
	KeyMark     string // of the actor when it was written; see Actor.KeyMark
	Held        bool   // it waits only because its author is limited
	Strayed     bool   // it is removed as long as it lacks the quote or link that put it here, or all words
	Refused     bool   // its author is blocked, whatever its state
}

// Public reports whether the comment may appear on a page. This is the one rule about what readers see. Queries for
// readers repeat it in SQL.
func (c Comment) Public() bool {
	return c.State == CommentShown && c.Visibility != RestrictedComment && !c.Refused
}

// ClampTime limits a date that the sender chose to what is possible: not before the article and not after the
// arrival.
func ClampTime(sent, earliest, arrival time.Time) time.Time {
	if sent.Before(earliest) {
		return earliest
	}
	if sent.After(arrival) {
		return arrival
	}
	return sent
}

// Thread is a comment with the replies to it, oldest first.
type Thread struct {
	Comment Comment
	Depth   int // 0 for a reply to the article itself
	Answers []Thread
}

// Threads builds the trees of an article's comments, in any order. A comment whose parent is missing becomes a root.
// A removed comment stays only while it has replies.
func Threads(comments []Comment) []Thread {
	known := make(map[ID]bool, len(comments))
	for _, c := range comments {
		known[c.ID] = true
	}
	answers := map[ID][]Comment{}
	for _, c := range comments {
		parent := c.ParentID
		// The parent may be restricted or not fetched yet; its replies must not disappear with it.
		if !known[parent] || parent == c.ID {
			parent = ""
		}
		answers[parent] = append(answers[parent], c)
	}
	return grow(answers, "", 0)
}

// grow builds the trees below one parent.
func grow(answers map[ID][]Comment, parent ID, depth int) []Thread {
	list := answers[parent]
	// Each list is used once. This ends the recursion whatever the ids are.
	delete(answers, parent)
	sort.SliceStable(list, func(i, j int) bool {
		// ClampTime makes many times equal. Ids order those by arrival.
		if list[i].SortedAt.Equal(list[j].SortedAt) {
			return list[i].ID < list[j].ID
		}
		return list[i].SortedAt.Before(list[j].SortedAt)
	})
	var threads []Thread
	for _, c := range list {
		thread := Thread{Comment: c, Depth: depth, Answers: grow(answers, c.ID, depth+1)}
		// A removed comment with replies keeps its place, so that they stay where they were.
		if c.State != CommentRemoved || len(thread.Answers) > 0 {
			threads = append(threads, thread)
		}
	}
	return threads
}
