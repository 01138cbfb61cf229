package store

import (
	"context"
	"slices"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// Thread is a comment to an article and all replies below it. Its first comment never changes. Moderation may hide that
// comment, and then its replies stay where they were.
type Thread struct {
	RootID  blog.ID // the first comment
	N       int     // public comments
	Removed int     // comments that may keep the place of their replies
	Behind  int     // public comments in this thread and those before it
}

// Size is how many comments must be read to show the whole thread.
func (t Thread) Size() int { return t.N + t.Removed }

// ThreadOrder is an order of whole threads.
type ThreadOrder int

const (
	OldestThreads ThreadOrder = iota
	NewestThreads
	AnsweredThreads // those in which an author of ours wrote come first, then the others; each the oldest first
)

// Span is the public comments from number From up to number To, in some order of their threads. All is their number
// under the article: what is nearer to the end is read from there.
type Span struct{ From, To, All int }

// Threads lists, in an order, the threads under an article that have a comment in the span.
func (s *Store) Threads(ctx context.Context, article blog.ID, order ThreadOrder, p Span) ([]Thread, error) {
	changes.Note(ctx, changes.Article(article))
	if order == AnsweredThreads {
		return s.answeredThreads(ctx, article, p)
	}
	return s.threads(ctx, article, threadList{newest: order == NewestThreads}, p)
}

// threadList is the threads under an article in one direction, or those among them without an author of ours.
type threadList struct{ newest, unanswered bool }

// threads lists the threads of a list that have a comment in the span.
func (s *Store) threads(ctx context.Context, article blog.ID, l threadList, p Span) ([]Thread, error) {
	reversed := p.From > p.All/2
	if reversed {
		p.From, p.To, l.newest = max(0, p.All-p.To), p.All-p.From, !l.newest
	}
	order, having := `y.sorted_at, y.root_id`, ``
	if l.newest {
		order = `y.sorted_at DESC, y.root_id DESC`
	}
	if l.unanswered {
		having = ` AND sum(y.own) <= 0`
	}
	// Each thread has a comment, so no more than p.To threads are needed.
	var list []Thread
	err := s.all(ctx, &list, `
		SELECT x.root_id, x.n, x.removed, x.behind FROM (
			SELECT y.root_id, y.n, y.removed, CAST(sum(y.n) OVER (ORDER BY `+order+` ROWS UNBOUNDED PRECEDING) AS BIGINT)
				AS behind
			FROM (SELECT y.sorted_at, y.root_id, CAST(sum(y.n) AS BIGINT) AS n, CAST(sum(y.removed) AS BIGINT) AS removed
				FROM threads y WHERE y.article_id = ? GROUP BY y.sorted_at, y.root_id HAVING sum(y.n) > 0`+having+`
				ORDER BY `+order+` LIMIT ?) AS y) AS x
		WHERE x.behind > ? AND x.behind - x.n < ? ORDER BY x.behind`, article, p.To, p.From, p.To)
	if reversed {
		slices.Reverse(list)
		for i, t := range list {
			list[i].Behind = p.All - t.Behind + t.N
		}
	}
	return list, err
}

// answeredThreads lists the threads of a span in the order AnsweredThreads.
func (s *Store) answeredThreads(ctx context.Context, article blog.ID, p Span) ([]Thread, error) {
	var answered []Thread
	// As many as our authors answered, which bounds them.
	err := s.all(ctx, &answered, `
		SELECT t.root_id, CAST(sum(t.n) AS BIGINT) AS n, CAST(sum(t.removed) AS BIGINT) AS removed, 0 AS behind
		FROM threads t WHERE t.article_id = ? AND (t.sorted_at, t.root_id) IN (
			SELECT o.sorted_at, o.root_id FROM threads o WHERE o.article_id = ? AND o.own <> 0)
		GROUP BY t.sorted_at, t.root_id HAVING sum(t.own) > 0 AND sum(t.n) > 0 ORDER BY t.sorted_at, t.root_id`, article,
		article)
	if err != nil {
		return nil, err
	}
	var list []Thread
	first := 0
	for _, t := range answered {
		first += t.N
		if t.Behind = first; first > p.From && first-t.N < p.To {
			list = append(list, t)
		}
	}
	if p.To <= first {
		return list, nil
	}
	rest, err := s.threads(ctx, article, threadList{unanswered: true},
		Span{From: max(0, p.From-first), To: p.To - first, All: max(0, p.All-first)})
	for i := range rest {
		rest[i].Behind += first
	}
	return append(list, rest...), err
}

// Place is where a comment stands among others.
type Place struct {
	RootID blog.ID // the first comment of its thread
	blog.Comment
}

// Places lists the comments of threads that readers may see, and the removed ones, without their texts.
func (s *Store) Places(ctx context.Context, roots []blog.ID) ([]Place, error) {
	if len(roots) == 0 {
		return nil, nil
	}
	const condition = `c.state IN ('shown', 'removed') AND ` + visible
	var list []Place
	err := s.all(ctx, &list, `
		SELECT c.id AS root_id, c.id, c.parent_id, c.sorted_at, c.state FROM comments c WHERE c.id IN (?) AND `+condition+`
		UNION ALL
		SELECT c.root_id, c.id, c.parent_id, c.sorted_at, c.state FROM comments c
		WHERE c.root_id IN (?) AND c.root_id <> '' AND `+condition, roots, roots)
	return list, err
}

// LongThread lists the ids of the public comments of one thread from number from up to number to: its first comment,
// then the replies in order of time.
func (s *Store) LongThread(ctx context.Context, root blog.ID, from, to int) ([]blog.ID, error) {
	var list []blog.ID
	err := s.all(ctx, &list, `SELECT c.id FROM comments c WHERE c.id = ? AND `+public, root)
	if err != nil {
		return nil, err
	}
	first := len(list) // 0 if the first comment is not public
	if from > 0 {
		list = nil
	}
	from, to = max(0, from-first), to-first
	var replies []blog.ID
	err = s.all(ctx, &replies, `
		SELECT c.id FROM comments c WHERE c.root_id = ? AND c.root_id <> '' AND `+public+`
		ORDER BY c.sorted_at, c.id LIMIT ? OFFSET ?`, root, to-from, from)
	return append(list, replies...), err
}
