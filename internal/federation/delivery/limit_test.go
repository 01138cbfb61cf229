package delivery

import "testing"

func TestSilentServersLeaveRoomForTheOthers(t *testing.T) {
	var s limit
	var silent []*slot
	for s.room(true) > 0 {
		server := s.take()
		server.giveUp()
		silent = append(silent, server)
	}
	if len(silent) < maxServers || s.room(false) < maxServers/4 {
		t.Errorf("%d that failed before leave room for %d", len(silent), s.room(false))
	}
	for s.room(false) > 0 {
		silent = append(silent, s.take())
	}
	if len(silent) != maxSockets {
		t.Errorf("%d are in flight, want %d", len(silent), maxSockets)
	}
	for _, server := range silent {
		server.giveUp()
		server.free()
		server.free()
	}
	if s.room(false) != maxServers || s.room(true) != maxServers/2 {
		t.Errorf("with nobody in flight there is room for %d and %d", s.room(false), s.room(true))
	}
}

func TestServersThatFailedBeforeTakeHalfOfTheSlots(t *testing.T) {
	var s limit
	for n := 0; s.room(true) > 0; n++ {
		s.take()
		if n > maxServers/2 {
			t.Fatal("they take more")
		}
	}
	if s.room(false) != maxServers/2 {
		t.Errorf("they leave %d places", s.room(false))
	}
}
