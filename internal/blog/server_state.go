package blog

import (
	"cmp"
	"slices"
	"strings"
)

// ServerState is how one server stands with an article: what it has of it, and what became of the delivery that
// decides. That is the newest; of several inboxes, the one that fares worst.
type ServerState struct {
	DeliveryRow      // its Followers are those at all inboxes of the server
	Shows       int  // the newest version that it was told aloud: what it Holds goes beyond by quiet corrections
	Former      bool // it has to do only with a copy that was taken back before the article was published again
	Keeps       bool // it never took the word that it is to forget such a copy
}

// ServerStates sums up by server the deliveries about an article, trouble first. They come as a store reports them, the
// newest first.
func ServerStates(deliveries []DeliveryRow) []ServerState {
	var hosts []string
	byHost, current := map[string][]DeliveryRow{}, ID("")
	for _, l := range deliveries {
		if current == "" && l.decides() {
			current = l.ObjectID
		}
		if l.Status == Superseded {
			continue
		}
		if byHost[l.Host] == nil {
			hosts = append(hosts, l.Host)
		}
		byHost[l.Host] = append(byHost[l.Host], l)
	}
	list := make([]ServerState, len(hosts))
	for i, host := range hosts {
		list[i] = serverStateOf(byHost[host])
		list[i].Former = current != "" && list[i].ObjectID != current
	}
	slices.SortFunc(list, func(a, b ServerState) int { return cmp.Or(a.rank()-b.rank(), strings.Compare(a.Host, b.Host)) })
	return list
}

// serverStateOf sums up the deliveries to one server.
func serverStateOf(deliveries []DeliveryRow) ServerState {
	newest := deliveries[0]
	if i := slices.IndexFunc(deliveries, DeliveryRow.decides); i >= 0 {
		newest = deliveries[i]
	}
	s, followers := ServerState{DeliveryRow: newest}, 0
	for _, l := range deliveries {
		if l.ActivityID == newest.ActivityID {
			followers += l.Followers
			if worse := (ServerState{DeliveryRow: l}); worse.rank() < s.rank() {
				s.DeliveryRow = l
			}
		}
	}
	s.Followers = followers
	for _, l := range deliveries {
		switch {
		case l.ObjectID != s.ObjectID:
			s.Keeps = s.Keeps || l.GoneAt != nil && l.Holds > 0 && !l.Asked
		case l.Status == Delivered && l.decides() && !l.Quiet:
			s.Shows = max(s.Shows, l.Revision)
		}
	}
	return s
}

// decides reports whether a delivery brings, changes or takes back an article, unlike those of who carries it on or
// asks something about it.
func (r DeliveryRow) decides() bool {
	return r.Kind == "Create" || r.Kind == "Update" || r.Kind == "Delete"
}

// Patient reports whether a server asked to be left alone until NextAt.
func (r DeliveryRow) Patient() bool { return r.Failures > 0 && r.FailingSince == nil }

// Refusing reports whether a server answers, and does not take what the author sends at the moment.
func (r DeliveryRow) Refusing() bool {
	return r.Failures == 0 && r.RefusingSince != nil && !r.Status.Settled()
}

// Has reports whether a server has an article, in whatever version, and was not asked to forget it.
func (r DeliveryRow) Has() bool { return r.Holds > 0 && !r.Asked }

// Spared reports whether there was nothing to take back at a server: it never had what is gone now.
func (r DeliveryRow) Spared() bool {
	return r.GoneAt != nil && r.Kind != "Delete" && r.Holds == 0 && !r.Unsure
}

// rank orders standings: what wants a decision of the author's first, then what is under way, then what is well.
func (s ServerState) rank() int {
	switch {
	case s.Spared():
		return 9
	case s.Status == Delivered && s.Has() && s.Holds < s.Newest:
		return 7
	case s.Status == Delivered:
		return 8
	case s.Status == Retrying && s.Patient():
		return 6
	}
	return slices.Index([]DeliveryStatus{Refused, GivenUp, Retrying, GoneAway, Waiting}, s.Status)
}

// Tally is how many servers stand how with an article, each counted once however many deliveries went there.
type Tally struct {
	Servers int // that it went to
	// of those, that have it in whatever version, or took the word that they are to forget it
	Have       int
	Newest     int                    // of those that have it, that have the newest version
	Gone       bool                   // it was taken back
	Keep       int                    // that still have a copy that was taken back before
	Deliveries map[DeliveryStatus]int // what became of the delivery that decides, of all Servers
}

// Count sums up standings.
func Count(list []ServerState) Tally {
	t := Tally{Deliveries: map[DeliveryStatus]int{}}
	for _, s := range list {
		if s.Keeps || s.Former && !s.Asked && !s.Spared() {
			t.Keep += 1 + s.Alike
		}
		if !s.Counts() {
			continue
		}
		t.Servers += 1 + s.Alike
		t.Deliveries[s.Status] += 1 + s.Alike
		if s.Asked || s.Has() && s.GoneAt == nil {
			t.Have += 1 + s.Alike
		}
		if s.Asked || s.Has() && s.Holds >= s.Newest {
			t.Newest += 1 + s.Alike
		}
		t.Gone = t.Gone || s.GoneAt != nil
	}
	return t
}

// Counts reports whether Count adds the server to Servers: it was sent the copy that is decisive now.
func (s ServerState) Counts() bool { return !s.Former && !s.Spared() }
