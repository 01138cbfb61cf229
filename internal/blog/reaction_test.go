package blog

import "testing"

func TestNoServerSpeaksForMoreThanIsFair(t *testing.T) {
	for _, c := range []struct{ all, most, want int }{{0, 0, 0}, {1, 1, 1}, {100, 100, 100}, {101, 101, 100},
		{1000, 1000, 100}, {1010, 1000, 110},
		{1300, 1000, 600}, {900, 500, 800}, {900, 450, 900}, {150, 100, 150}} {
		if got := CountFairly(c.all, c.most); got != c.want {
			t.Errorf("of %d, %d of them at one server, %d are counted, want %d", c.all, c.most, got, c.want)
		}
	}
}
