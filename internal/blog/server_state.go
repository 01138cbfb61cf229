package blog

import (
	"cmp"
	"slices"
	"strings"
)

// ServerState is what one server has of an article, and the state of its decisive delivery. That is the newest one.
// Of several inboxes on the server, it is the one in the worst state.
type ServerState struct {
	DeliveryRow      // Followers counts those at all inboxes of the server
	Shows       int  // latest version sent with notice to readers; Holds may be newer by quiet corrections
	Former      bool // it is known only for a copy deleted before the article was published again
	Keeps       bool // it never accepted the Delete of such a copy
}

// ServerStates sums up the deliveries about an article by server, the ones in trouble first. The deliveries come
// newest first, as the store returns them.
func ServerStates(deliveries []DeliveryRow) []ServerState {
	var hosts []string
	byHost, current := map[string][]DeliveryRow{}, ID("")
	for _, d := range deliveries {
		// This stands before the test for Superseded: a replaced delivery still shows which copy is the current one.
		if current == "" && d.decides() {
			current = d.ObjectID
		}
		// A later delivery replaced it, and reports the outcome.
		if d.Status == Superseded {
			continue
		}
		if byHost[d.Host] == nil {
			hosts = append(hosts, d.Host)
		}
		byHost[d.Host] = append(byHost[d.Host], d)
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
	// Without a decisive delivery, the server got only a boost or a quote request, for example.
	newest := deliveries[0]
	if i := slices.IndexFunc(deliveries, DeliveryRow.decides); i >= 0 {
		newest = deliveries[i]
	}
	s, followers := ServerState{DeliveryRow: newest}, 0
	for _, d := range deliveries {
		if d.ActivityID == newest.ActivityID {
			followers += d.Followers
			// The same activity went to several inboxes of the server. The author must see the one that failed.
			if worse := (ServerState{DeliveryRow: d}); worse.rank() < s.rank() {
				s.DeliveryRow = d
			}
		}
	}
	s.Followers = followers
	for _, d := range deliveries {
		switch {
		// Another object is an earlier publication of the article. Its copy stays until the server accepts the Delete.
		case d.ObjectID != s.ObjectID:
			s.Keeps = s.Keeps || d.GoneAt != nil && d.Holds > 0 && !d.Asked
		// A quiet change notifies nobody, so it does not count as shown there.
		case d.Status == Delivered && d.decides() && !d.Quiet:
			s.Shows = max(s.Shows, d.Revision)
		}
	}
	return s
}

// decides reports whether a delivery creates, changes or deletes a copy. Boosts and quote requests do not.
func (r DeliveryRow) decides() bool {
	return r.Kind == "Create" || r.Kind == "Update" || r.Kind == "Delete"
}

// AskedToWait reports whether the server answered, and asked for no more deliveries until NextAt (429 or
// Retry-After).
func (r DeliveryRow) AskedToWait() bool { return r.Failures > 0 && r.FailingSince == nil }

// Refusing reports whether a server answers, but accepts nothing from this author at the moment.
func (r DeliveryRow) Refusing() bool {
	return r.Failures == 0 && r.RefusingSince != nil && !r.Status.Settled()
}

// Has reports whether a server has any version of an article and was not asked to delete it.
func (r DeliveryRow) Has() bool { return r.Holds > 0 && !r.Asked }

// NothingToDelete reports whether the article was deleted before it reached the server.
func (r DeliveryRow) NothingToDelete() bool {
	return r.GoneAt != nil && r.Kind != "Delete" && r.Holds == 0 && !r.Unsure
}

// rank orders the states: first what the author should decide about, then what is on its way, then what is done.
func (s ServerState) rank() int {
	switch {
	case s.NothingToDelete():
		return 9
	case s.Status == Delivered && s.Has() && s.Holds < s.Newest:
		return 7
	case s.Status == Delivered:
		return 8
	case s.Status == Retrying && s.AskedToWait():
		return 6
	}
	// This covers every other status but Superseded, which ServerStates leaves out.
	return slices.Index([]DeliveryStatus{Refused, GivenUp, Retrying, GoneAway, Waiting}, s.Status)
}

// Tally counts the servers that an article was sent to by what they have. Each server counts once, however many
// deliveries it got.
type Tally struct {
	Servers int // that the article was sent to
	// of those, that have any version of it, or accepted the request to delete it
	Have       int
	Newest     int                    // of those that have it, with the newest version
	Gone       bool                   // the article was deleted
	Keep       int                    // servers with a copy that was deleted before the last publication
	Deliveries map[DeliveryStatus]int // states of the decisive deliveries, over all Servers
}

// Count adds up states.
func Count(list []ServerState) Tally {
	t := Tally{Deliveries: map[DeliveryStatus]int{}}
	for _, s := range list {
		// A row of a sample stands for Alike other servers in the same state.
		if s.Keeps || s.Former && !s.Asked && !s.NothingToDelete() {
			t.Keep += 1 + s.Alike
		}
		if !s.Counts() {
			continue
		}
		t.Servers += 1 + s.Alike
		t.Deliveries[s.Status] += 1 + s.Alike
		// A server that accepted the Delete counts as one that has the newest state.
		if s.Asked || s.Has() && s.GoneAt == nil {
			t.Have += 1 + s.Alike
		}
		if s.Asked || s.Has() && s.GoneAt == nil && s.Holds >= s.Newest {
			t.Newest += 1 + s.Alike
		}
		t.Gone = t.Gone || s.GoneAt != nil
	}
	return t
}

// Counts reports whether Count adds the server to Servers. It leaves out servers that have only a former copy or
// never had one.
func (s ServerState) Counts() bool { return !s.Former && !s.NothingToDelete() }
