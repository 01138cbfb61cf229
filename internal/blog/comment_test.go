package blog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
)

// outline writes threads as "a(b c(d))".
func outline(threads []blog.Thread) string {
	var parts []string
	for _, t := range threads {
		text := string(t.Comment.ID)
		if len(t.Answers) > 0 {
			text += "(" + outline(t.Answers) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestCommentsBecomeTrees(t *testing.T) {
	comment := func(id, parent string, minute int, state ...blog.CommentState) blog.Comment {
		c := blog.Comment{ID: blog.ID(id), ParentID: blog.ID(parent), SortedAt: noon.Add(time.Duration(minute) * time.Minute),
			State: blog.CommentShown}
		for _, s := range state {
			c.State = s
		}
		return c
	}
	for name, c := range map[string]struct {
		comments []blog.Comment
		want     string
	}{
		"nothing": {nil, ""},
		"oldest first, whatever the order they came": {[]blog.Comment{comment("b", "", 2), comment("a", "", 1)}, "a b"},
		"answers under what they answer": {[]blog.Comment{comment("a", "", 1), comment("b", "a", 2),
			comment("c", "b", 3), comment("d", "a", 4)}, "a(b(c) d)"},
		"an answer to what is not shown": {[]blog.Comment{comment("b", "hidden", 1)}, "b"},
		"a removed one without answers": {[]blog.Comment{comment("a", "", 1, blog.CommentRemoved), comment("b", "", 2)},
			"b"},
		"a removed one with answers": {[]blog.Comment{comment("a", "", 1, blog.CommentRemoved), comment("b", "a", 2)},
			"a(b)"},
		"one that answers itself": {[]blog.Comment{comment("a", "a", 1)}, "a"},
	} {
		if got := outline(blog.Threads(c.comments)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAPolicyDecidesWhoWaits(t *testing.T) {
	stranger, follower := blog.Relation{}, blog.Relation{Follows: true}
	public, private, ours := blog.Comment{Visibility: blog.PublicComment},
		blog.Comment{Visibility: blog.RestrictedComment}, blog.Comment{VoiceID: "V"}
	for _, c := range []struct {
		policy  blog.Policy
		comment blog.Comment
		who     blog.Relation
		want    blog.CommentState
		err     error
	}{
		{blog.Open, public, stranger, blog.CommentShown, nil},
		{blog.Known, public, stranger, blog.CommentWaiting, nil},
		{blog.Known, public, follower, blog.CommentShown, nil},
		{blog.Known, public, blog.Relation{Followed: true}, blog.CommentShown, nil},
		{blog.Known, public, blog.Relation{ApprovedBefore: true}, blog.CommentShown, nil},
		{blog.Approve, public, follower, blog.CommentWaiting, nil},
		{blog.Closed, public, follower, "", blog.ErrForbidden},
		{blog.Closed, ours, stranger, blog.CommentShown, nil},
		{blog.Closed, private, stranger, blog.CommentShown, nil},
	} {
		got, err := c.policy.Admit(c.comment, c.who)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s admits %+v of %+v as %q, %v; want %q, %v", c.policy, c.comment, c.who, got, err, c.want, c.err)
		}
	}
}

func TestNobodyPinsACommentWithADate(t *testing.T) {
	article, arrival := noon, noon.Add(time.Hour)
	for sent, want := range map[time.Time]time.Time{noon.AddDate(-50, 0, 0): article, noon.AddDate(900, 0, 0): arrival,
		noon.Add(time.Minute): noon.Add(time.Minute)} {
		if got := blog.ClampTime(sent, article, arrival); !got.Equal(want) {
			t.Errorf("%v becomes %v, want %v", sent, got, want)
		}
	}
}

func TestOnlyShownAndUnrestrictedWordsArePublic(t *testing.T) {
	for _, state := range []blog.CommentState{blog.CommentWaiting, blog.CommentShown, blog.CommentHidden, blog.CommentSpam,
		blog.CommentRemoved} {
		for _, visibility := range []blog.CommentVisibility{blog.PublicComment, blog.UnlistedComment,
			blog.RestrictedComment} {
			want := state == blog.CommentShown && visibility != blog.RestrictedComment
			if got := (blog.Comment{State: state, Visibility: visibility}).Public(); got != want {
				t.Error(fmt.Sprint(state, " and ", visibility, ": ", got))
			}
		}
	}
}
