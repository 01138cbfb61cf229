package store

import (
	"context"
	"time"
)

const (
	beatEvery = time.Second
	// missedBeats is how many looks in a row find that a process did not beat, before what it leased is free. A process
	// that only stands still comes back to claims that others took: the fence refuses what it writes then.
	missedBeats = 3
)

// process is another process that works on the database, as this one sees it.
type process struct {
	beats  int64
	missed int // looks since it was last seen to beat
}

// Beat shows other processes that this one is alive, about once a second, until the context ends. Then it gives back
// what this process still leases. It also frees what dead processes leased, within five seconds after their end,
// and then calls freed. It does nothing on SQLite, where one process serves a file (see Recover).
func (s *Store) Beat(ctx context.Context, now func() time.Time, freed func()) {
	if !s.sql.postgres {
		return
	}
	others := map[string]process{}
	for ctx.Err() == nil {
		// Without an answer from the database nobody is judged: the others may wait for it, too. So errors are ignored,
		// and the next round tries again.
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		if s.beat(within) == nil {
			if n, err := s.freeDead(within, others, now()); err == nil && n > 0 {
				freed()
			}
		}
		cancel()
		// Not a ticker: after a round that took long, it would not leave the others a second for their next beat.
		select {
		case <-ctx.Done():
		case <-time.After(beatEvery):
		}
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = s.InTx(within, func(s *Store) error { // without it, the others find out
		if err := s.run(within, `DELETE FROM processes WHERE id = ?`, s.name); err != nil {
			return err
		}
		return s.freeLeases(within, s.name, now())
	})
}

func (s *Store) beat(ctx context.Context) error {
	began := time.Now()
	var beats int64
	err := s.one(ctx, &beats, `INSERT INTO processes (id, beats) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET beats =
		processes.beats + 1 RETURNING beats`, s.name)
	if err == nil {
		s.leases.beats(began, beats == 1)
	}
	return err
}

// Holds reports whether this process still holds a claim on a server, as far as it can know without the database. After
// a pause of the process it is false: others may have taken it for dead and have the server by now.
func (s *Store) Holds(c Claim) bool {
	return !s.leases.late() && s.leases.has("peers", c.Host, c.Claims)
}

// freeDead looks once at the other processes and frees what the dead ones leased. It returns how many were dead.
func (s *Store) freeDead(ctx context.Context, others map[string]process, now time.Time) (int, error) {
	var list []struct {
		ID    string
		Beats int64
	}
	if err := s.all(ctx, &list, `SELECT id, beats FROM processes WHERE id <> ?`, s.name); err != nil {
		return 0, err
	}
	present, dead := map[string]bool{}, 0
	for _, p := range list {
		present[p.ID] = true
		other, known := others[p.ID]
		if !known || other.beats != p.Beats {
			others[p.ID] = process{beats: p.Beats}
			continue
		}
		other.missed++
		others[p.ID] = other
		if other.missed < missedBeats {
			continue
		}
		buried, err := s.bury(ctx, p.ID, p.Beats, now)
		if err != nil {
			return dead, err
		}
		if buried {
			dead++
		}
	}
	for id := range others {
		if !present[id] {
			delete(others, id)
		}
	}
	return dead, nil
}

// bury removes a process that no longer beats, and frees what it leased. It reports false when the process did beat
// meanwhile, or when another process was faster.
func (s *Store) bury(ctx context.Context, id string, beats int64, now time.Time) (buried bool, err error) {
	err = s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `DELETE FROM processes WHERE id = ? AND beats = ?`, id, beats)
		if buried = n > 0; err != nil || !buried {
			return err
		}
		if err := s.freeLeases(ctx, id, now); err != nil {
			return err
		}
		// Its jobs may have been cut off. They are done again, since the database does not say which were.
		return s.run(ctx, `UPDATE chores SET due_at = ?, process = '' WHERE process = ?`, now, id)
	})
	return buried, err
}

// freeLeases frees the servers, callers and backfills that a process leases, and raises their fences. visited stays:
// the first delivery may be on its way.
func (s *Store) freeLeases(ctx context.Context, process string, now time.Time) error {
	// The locks are taken in the order in which a fan-out takes them.
	var hosts []string
	err := s.all(ctx, &hosts, `SELECT host FROM peers WHERE process = ? AND visited ORDER BY host`+s.sql.lockRow(),
		process)
	if err != nil {
		return err
	}
	if len(hosts) > 0 {
		err := s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, process = '' WHERE process = ?
			AND visited`, now, now, process)
		if err != nil {
			return err
		}
	}
	for _, table := range []string{"callers", "completions"} {
		err := s.run(ctx, `UPDATE `+table+` SET free_at = ?, claims = claims + 1, process = '' WHERE process = ?
			AND free_at > ?`, now, process, now)
		if err != nil {
			return err
		}
	}
	return nil
}
