package delivery

import "testing"

func TestSilentServersLeaveRoomForTheOthers(t *testing.T) {
	var s limit
	var silent []*slot
	for s.room(true) > 0 {
		seat := s.take()
		seat.giveUp()
		silent = append(silent, seat)
	}
	if len(silent) < mostPlaces || s.room(false) < mostPlaces/4 {
		t.Errorf("%d that failed before leave room for %d", len(silent), s.room(false))
	}
	for s.room(false) > 0 {
		silent = append(silent, s.take())
	}
	if len(silent) != mostSockets {
		t.Errorf("%d are in flight, want %d", len(silent), mostSockets)
	}
	for _, seat := range silent {
		seat.giveUp()
		seat.free()
		seat.free()
	}
	if s.room(false) != mostPlaces || s.room(true) != mostPlaces/2 {
		t.Errorf("with nobody in flight there is room for %d and %d", s.room(false), s.room(true))
	}
}

func TestServersThatFailedBeforeTakeHalfOfThePlaces(t *testing.T) {
	var s limit
	for n := 0; s.room(true) > 0; n++ {
		s.take()
		if n > mostPlaces/2 {
			t.Fatal("they take more")
		}
	}
	if s.room(false) != mostPlaces/2 {
		t.Errorf("they leave %d places", s.room(false))
	}
}
