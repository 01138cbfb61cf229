package overkant

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// Block blocks a server or a person at a level.
func (o *Blog) Block(kind blog.BlockKind, subject string, level blog.BlockLevel) {
	o.T.Helper()
	if err := o.Outbox.Block(o.Soon(), blog.Block{Kind: kind, Subject: subject, Level: level}); err != nil {
		o.T.Fatal(err)
	}
}

// BlockServer blocks the server of a person.
func (o *Blog) BlockServer(p *fedtest.Person) {
	o.Block(blog.BlockServer, blocklist.Domain(p.Server.Host), blog.Refuse)
}

// WaitSettled waits until no arrival and no delivery is left to be processed.
func (o *Blog) WaitSettled() {
	o.T.Helper()
	// Both: a processed arrival may have made a delivery, such as an Accept.
	o.Until("everything is processed", func() bool {
		arrivals, deliveries, err := o.Store.CountWaiting(o.Soon())
		return err == nil && arrivals == 0 && deliveries == 0
	})
}

// CountRequests returns how many requests, other than deliveries, the blog has sent to a server.
func (o *Blog) CountRequests(s *fedtest.Server) (n int) {
	for _, visit := range s.Requests() {
		// Tests send requests to the same servers. Only the blog has this user agent.
		if strings.HasPrefix(visit.Header.Get("User-Agent"), "Causerie/") {
			n++
		}
	}
	return n
}

// StoreFollower stores a person as a follower of Ilse, without any activity.
func (o *Blog) StoreFollower(p *fedtest.Person) {
	o.T.Helper()
	a := blog.Actor{ID: p.ID, Type: "Person", Handle: p.Handle(), URL: p.ID, Host: p.Server.Host, Inbox: p.Inbox(),
		FetchedAt: time.Now()}
	// The follower's row refers to the actor's.
	if err := o.Store.SaveActor(o.Soon(), a); err != nil {
		o.T.Fatal(err)
	}
	if _, err := o.Store.Follow(o.Soon(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: a.ID, FollowID: a.ID + "#1",
		State: blog.Accepted, Since: time.Now()}); err != nil {
		o.T.Fatal(err)
	}
}

// Log collects what the blog logs.
type Log struct {
	Mu   sync.Mutex
	Text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.Mu.Lock()
	defer l.Mu.Unlock()
	return l.Text.Write(p)
}

// Reports returns the reports in a state.
func (o *Blog) Reports(state blog.ReportState) []blog.Report {
	o.T.Helper()
	list, err := o.Store.Reports(o.T.Context(), store.ReportList{State: state, Limit: 500})
	if err != nil {
		o.T.Fatal(err)
	}
	return list
}
