//go:build linux

package rig_test

import (
	"testing"
	"time"

	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// broken is a build without one of the four things that the promises rest on.
func broken(t *testing.T, changes ...rig.Change) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a build takes its time")
	}
	return rig.BuildBroken(t, "../..", changes...)
}

// TestR41WithoutTheOutboxTransaction commits an article before its deliveries: a kill between the two must be seen.
func TestR41WithoutTheOutboxTransaction(t *testing.T) {
	const publish = "internal/federation/outbox/publish.go"
	path := broken(t, rig.Change{File: publish, Old: "\t\treturn o.queueCreate(ctx, s, a, ready.mentions)\n\t})\n",
		New: "\t\treturn nil\n\t})\n\tif err == nil && hold <= 0 && a.Federates() {\n\t\ttime.Sleep(time.Second)\n" +
			"\t\terr = o.Store.InTx(ctx, func(s *store.Store) error {\n" +
			"\t\t\treturn o.queueCreate(ctx, s, a, ready.mentions)\n\t\t})\n\t}\n"})
	l := killAgainAndAgain(t, path, storetest.SQLite(t), killPlan{rounds: 4, servers: 5, publishing: true,
		patience: 5 * time.Second})
	f := rig.Measure(t, "R-41", l.run)
	f.Began(l.began)
	f.Size("kills", len(l.kills))
	f.MustBeRed(l.halfDone)
}

// TestR41WithoutADeadline waits for a server as long as it likes.
func TestR41WithoutADeadline(t *testing.T) {
	path := broken(t, rig.Change{File: "internal/remote/post.go",
		Old: "within, cancel := context.WithTimeout(ctx, c.options.Delivery)",
		New: "within, cancel := context.WithCancel(ctx)"},
		rig.Change{File: "internal/remote/remote.go", Old: "options.Header,\n", New: "0,\n"})
	s := open(t, path, storetest.SQLite(t), 2)
	l := besideHanging(t, s, 2, 1, 3)
	f := s.measure("R-41")
	f.Size("hanging servers", 3)
	f.MustBeRed(l.sockets)
}

// TestR41WithoutTheUniqueIndex lets the tables of posts and of activities that were seen hold everything twice.
func TestR41WithoutTheUniqueIndex(t *testing.T) {
	path := broken(t,
		rig.Change{File: "migrations/0003_conversation.sql", Old: "address       TEXT      NOT NULL UNIQUE,\n    article_id",
			New: "address       TEXT      NOT NULL,\n    article_id"},
		rig.Change{File: "migrations/0004_letters.sql",
			Old: "at            TIMESTAMP NOT NULL,\n    PRIMARY KEY (actor, activity_id)",
			New: "at            TIMESTAMP NOT NULL"},
		rig.Change{File: "internal/store/comment.go", Old: "ON CONFLICT (address) DO NOTHING",
			New: "ON CONFLICT DO NOTHING"})
	s := open(t, path, blank(t, storetest.Postgres(t)), 8)
	l := postAtOnce(s, 8)
	f := s.measure("R-41")
	f.Size("activities", len(l.effects))
	f.MustBeRed(l.effectsOnce)
}

// TestR41WithoutTheFence believes a process whatever number its claim has.
func TestR41WithoutTheFence(t *testing.T) {
	path := broken(t,
		rig.Change{File: "internal/store/process.go",
			Old: "return !s.leases.late() && s.leases.has(\"peers\", c.Host, c.Claims)", New: "return true"},
		rig.Change{File: "internal/store/delivery.go", Old: "WHERE p.host = ? AND p.claims = ?)`,\n\t\toutcome.Code",
			New: "WHERE p.host = ? AND p.claims >= ?)`,\n\t\toutcome.Code"},
		rig.Change{File: "internal/store/claim.go", Old: "if peer.Claims != c.Claims {\n\t\treturn nil, ErrLost",
			New: "if peer.Claims < c.Claims {\n\t\treturn nil, ErrLost"},
		rig.Change{File: "internal/store/lease_release_group.go", Old: "d.claim.Claims != p.Claims ||",
			New: "d.claim.Claims > p.Claims ||"})
	s, l := sleepThrough(t, path)
	f := s.measure("R-41")
	f.Size("servers", len(s.people))
	f.MustBeRed(l.stale)
}
