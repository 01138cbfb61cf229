package fedtest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Post is what a server shows of an object from elsewhere, in its latest version.
type Post struct {
	ID, Type, Author string
	Title            string // name
	Summary          string
	Content          string
	URL, InReplyTo   string
	To, Cc           []string
	Mentions         []string // actors named by a Mention
	Boosters         []string // actors who announced it, in order
	Published        time.Time
	Updated          time.Time // zero until an Update changed it
	Edits            int
	Gone             bool           // deleted: of the rest only ID and Author are left
	Object           map[string]any // as received last
}

func parsePost(object map[string]any) *Post {
	post := &Post{
		ID: firstString(object["id"]), Type: firstString(object["type"]), Author: idOf(object["attributedTo"]),
		Title: firstString(object["name"]), Summary: firstString(object["summary"]), Content: firstString(object["content"]),
		URL: idOf(object["url"]), InReplyTo: idOf(object["inReplyTo"]),
		To: idsOf(object["to"]), Cc: idsOf(object["cc"]), Object: object,
	}
	post.Published, _ = time.Parse(time.RFC3339, firstString(object["published"])) // zero when absent or odd
	post.Updated, _ = time.Parse(time.RFC3339, firstString(object["updated"]))
	tags, _ := object["tag"].([]any)
	for _, tag := range tags {
		if tag, ok := tag.(map[string]any); ok && firstString(tag["type"]) == "Mention" {
			post.Mentions = append(post.Mentions, firstString(tag["href"]))
		}
	}
	return post
}

// Timeline returns everything that the server has accepted from elsewhere, in the order of arrival. What was deleted
// is marked as Gone.
func (s *Server) Timeline() []Post {
	return s.filterPosts(func(*Post) bool { return true })
}

// FindPost returns what the server shows of one object, and false when it has not received it.
func (s *Server) FindPost(id string) (Post, bool) {
	found := s.filterPosts(func(p *Post) bool { return p.ID == id })
	if len(found) == 0 {
		return Post{}, false
	}
	return found[0], true
}

// HomeTimeline returns what those whom this person follows have written or boosted, in the order of arrival.
func (p *Person) HomeTimeline() []Post {
	return p.Server.filterPosts(func(post *Post) bool {
		followed := func(id string) bool { f := p.follows[id]; return f != nil && f.state == Accepted }
		return followed(post.Author) || slices.ContainsFunc(post.Boosters, followed)
	})
}

// Mentions returns what notified this person. Like Mastodon it requires both a Mention tag and an address in to or
// cc.
func (p *Person) Mentions() []Post {
	return p.Server.filterPosts(func(post *Post) bool {
		return slices.Contains(post.Mentions, p.ID) && (slices.Contains(post.To, p.ID) || slices.Contains(post.Cc, p.ID))
	})
}

// filterPosts returns copies of the posts that match. Server.mu is held while which runs.
func (s *Server) filterPosts(which func(*Post) bool) []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	var shown []Post
	for _, id := range s.postOrder {
		if post := s.posts[id]; which(post) {
			copied := *post
			copied.Boosters = slices.Clone(post.Boosters)
			shown = append(shown, copied)
		}
	}
	return shown
}

// apply processes a verified activity, as far as its signer may do that.
func (s *Server) apply(signer *Actor, activity map[string]any) {
	object, _ := activity["object"].(map[string]any)
	id := idOf(activity["object"])
	s.mu.Lock()
	defer s.mu.Unlock()
	switch firstString(activity["type"]) {
	case "Follow":
		s.applyFollow(signer.ID, id, activity)
	// An Accept answers a Follow, a QuoteRequest or a ReplyRequest. The id tells which.
	case "Accept":
		s.applyAnswer(signer.ID, id, Accepted)
		s.applyPermission(signer.ID, id, Accepted, idOf(activity["result"]))
	case "Reject":
		s.applyAnswer(signer.ID, id, Rejected)
		s.applyPermission(signer.ID, id, Rejected, "")
	case "Create":
		s.applyCreate(signer.ID, object)
	case "Update":
		s.applyUpdate(signer.ID, id, object)
		if id == signer.ID && s.behaviour.Load().kind == cachingKeys {
			s.cache.replace(object)
		}
	case "Delete":
		s.applyDelete(signer.ID, id)
		s.applyRevocation(signer.ID, id)
	case "Announce":
		s.applyAnnounce(signer.ID, id)
	case "Undo":
		s.applyUndo(signer.ID, object)
	case "Move":
		s.applyMove(signer.ID, id, idOf(activity["target"]))
	}
}

// applyFollow sends an Accept to whoever follows a person here.
func (s *Server) applyFollow(follower, whom string, request map[string]any) {
	p := s.actors[whom]
	if p == nil || p.left || p == s.instance {
		return
	}
	// In the background: the follower still waits for our response, and Server.mu is held here.
	s.world.background("accept a follow", func(ctx context.Context) error { return p.accept(ctx, follower, request) })
}

// applyAnswer sets the state of a Follow that was accepted or rejected.
func (s *Server) applyAnswer(by, followID, state string) {
	for _, p := range s.people {
		f := p.follows[by]
		// Some servers embed the Follow without its id. A Reject may also end a follow that was accepted long ago.
		if f != nil && (f.id == followID || followID == "") {
			f.state = state
		}
	}
}

func (s *Server) applyCreate(author string, object map[string]any) {
	post := parsePost(object)
	// Only the author's own server may show a post, and a second Create is no edit.
	if post.ID == "" || post.Author != author || !sameHost(post.ID, author) || s.posts[post.ID] != nil {
		return
	}
	s.storePost(post)
}

// storePost adds or replaces a post. The cache learns its author, so that a reply need not fetch the object.
func (s *Server) storePost(post *Post) {
	if before := s.posts[post.ID]; before == nil {
		s.postOrder = append(s.postOrder, post.ID)
	}
	s.posts[post.ID] = post
	if post.Author != "" {
		s.cache.setAuthor(post.ID, post.Author)
	}
}

// applyUpdate replaces a post. Like Mastodon it ignores an Update that is not newer and one of an unknown object.
func (s *Server) applyUpdate(author, id string, object map[string]any) {
	// A profile: fetch it again when it is needed. An Update may carry an older version.
	if id == author {
		s.cache.forget(id, time.Now())
		return
	}
	before := s.posts[id]
	post := parsePost(object)
	if before == nil || before.Gone || before.Author != author || post.Author != author {
		return
	}
	known := before.Published
	if before.Updated.After(known) {
		known = before.Updated
	}
	if !post.Updated.After(known) {
		return
	}
	post.Edits, post.Boosters = before.Edits+1, before.Boosters
	s.storePost(post)
}

// applyDelete marks a post, or all posts of an actor, as gone.
func (s *Server) applyDelete(by, id string) {
	if id == by {
		s.forgetActor(by)
		return
	}
	before := s.posts[id]
	switch {
	case before == nil && sameHost(id, by): // the Create may come late, and must find this
		s.storePost(&Post{ID: id, Author: by, Gone: true})
	case before != nil && before.Author == by:
		s.storePost(&Post{ID: id, Author: by, Gone: true})
	}
}

// applyMove lets those who follow an actor follow its new one.
func (s *Server) applyMove(by, from, to string) {
	// Only the actor itself may say that it moved.
	if by != from {
		return
	}
	for _, p := range s.people {
		if p.follows[from] != nil {
			s.world.background("follow one who moved", func(ctx context.Context) error { return p.followMoved(ctx, from, to) })
		}
	}
}

// forgetActor deletes what an actor wrote and whom it followed.
func (s *Server) forgetActor(id string) {
	for _, post := range s.posts {
		if post.Author == id {
			s.posts[post.ID] = &Post{ID: post.ID, Author: id, Gone: true}
		}
	}
	for _, p := range s.people {
		delete(p.follows, id)
		delete(p.followers, id)
	}
}

// applyAnnounce adds a booster, and fetches the object from its server when it is unknown here.
func (s *Server) applyAnnounce(by, id string) {
	if post := s.posts[id]; post != nil {
		if !post.Gone && !slices.Contains(post.Boosters, by) {
			post.Boosters = append(post.Boosters, by)
		}
		return
	}
	// Our own notes are not in the timeline, which is of posts from elsewhere.
	if s.notes[id] != nil {
		return
	}
	s.world.background("fetch what was boosted", func(ctx context.Context) error { return s.fetchBoosted(ctx, by, id) })
}

func (s *Server) fetchBoosted(ctx context.Context, by, id string) error {
	object, err := s.instance.fetchObject(ctx, id)
	if err != nil {
		return err
	}
	post := parsePost(object)
	if post.ID != id || !sameHost(post.Author, id) {
		return fmt.Errorf("%s is the document of %q by %q", id, post.ID, post.Author)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Its Create may have arrived while we fetched it.
	if s.posts[id] == nil {
		s.storePost(post)
	}
	if known := s.posts[id]; !known.Gone && !slices.Contains(known.Boosters, by) {
		known.Boosters = append(known.Boosters, by)
	}
	return nil
}

func (s *Server) applyUndo(by string, undone map[string]any) {
	// Only the actor of an activity may undo it.
	if idOf(undone["actor"]) != by {
		return
	}
	target := idOf(undone["object"])
	switch firstString(undone["type"]) {
	case "Follow":
		if p := s.actors[target]; p != nil {
			delete(p.followers, by)
		}
	case "Announce":
		if post := s.posts[target]; post != nil {
			post.Boosters = slices.DeleteFunc(post.Boosters, func(id string) bool { return id == by })
		}
	}
}
