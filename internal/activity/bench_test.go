package activity

import (
	_ "embed"
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// mastodon is a reply as Mastodon sends it, with the members that it sends.
//
//go:embed testdata/mastodon/create.json
var mastodon string

// plainCreate is what a program would decode that trusts every sender to write as Mastodon does.
type plainCreate struct {
	ID, Type, Actor string
	Published       time.Time
	To, Cc          []string
	Object          struct {
		ID, Type, Summary, InReplyTo, URL, AttributedTo, Content string
		Published                                                time.Time
		To, Cc                                                   []string
		ContentMap                                               map[string]string
		Tag                                                      []struct{ Type, Href, Name string }
		Attachment                                               []struct{ Type, MediaType, URL, Name string }
	}
}

func decodePlainly(tb testing.TB) {
	var create plainCreate
	if err := json.Unmarshal([]byte(mastodon), &create); err != nil || create.Object.Content == "" {
		tb.Fatal(err)
	}
}

func decodeWithCare(tb testing.TB) {
	d, err := Read([]byte(mastodon))
	if err != nil {
		tb.Fatal(err)
	}
	a, err := Parse(d)
	if create, ok := a.Act.(Create); err != nil || !ok || create.Object.Content == "" {
		tb.Fatal(err)
	}
}

// TestCareCostsAtMostFiveTimesWhatStructsCost runs both in turn, for about the same time each, so that the garbage
// collector and other work on the machine disturb both alike. It compares the better half of many turns, since a
// disturbed turn says nothing about the code.
func TestCareCostsAtMostFiveTimesWhatStructsCost(t *testing.T) {
	const turns, careful, plain = 41, 40, 140
	each := func(rounds int, work func(testing.TB)) float64 {
		start := time.Now()
		for range rounds {
			work(t)
		}
		return float64(time.Since(start)) / float64(rounds)
	}
	ratios := make([]float64, turns)
	for i := range ratios {
		ratios[i] = each(careful, decodeWithCare) / each(plain, decodePlainly)
	}
	slices.Sort(ratios)
	t.Logf("%.1f times what structs cost; nine in ten turns below %.1f", ratios[turns/2], ratios[turns*9/10])
	if ratios[turns/4] > 5 {
		t.Errorf("it costs %.1f times what structs cost", ratios[turns/4])
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read([]byte(mastodon)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParse reports how much more care costs than plain structs. The ratio should stay below five.
func BenchmarkParse(b *testing.B) {
	const rounds = 2000
	start := time.Now()
	for range rounds {
		decodePlainly(b)
	}
	plainly := time.Since(start) / rounds
	b.ReportAllocs()
	for b.Loop() {
		decodeWithCare(b)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(plainly), "times-structs")
}

func BenchmarkPost(b *testing.B) {
	work := fourMinutes("article")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Post(work); err != nil {
			b.Fatal(err)
		}
	}
}
