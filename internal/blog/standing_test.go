package blog

import (
	"strings"
	"testing"
	"time"
)

func monday(at time.Time) string { return at.Format("Monday") }

// toHost is a delivery about the copy of an article that is at version 2.
func toHost(host string, change func(*DeliveryRow)) DeliveryRow {
	r := DeliveryRow{Delivery: Delivery{ActivityID: "02", Inbox: "https://" + host + "/inbox", Host: host,
		Status: Delivered, Attempts: 1, Code: 202, Revision: 2},
		Kind: "Update", ObjectID: "0B", Newest: 2, Holds: 2, Followers: 1}
	if change != nil {
		change(&r)
	}
	return r
}

func TestASummaryTellsHowManyHaveAnArticleAndWhatKeepsTheOthers(t *testing.T) {
	began := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC) // a Monday
	later := began.AddDate(0, 0, 1)
	silent := func(since time.Time) func(*DeliveryRow) {
		return func(r *DeliveryRow) {
			r.Status, r.Code, r.Holds, r.Failures, r.FailingSince = Retrying, 0, 0, 2, &since
		}
	}
	refused := func(r *DeliveryRow) { r.Status, r.Code, r.Holds = Refused, 403, 0 }
	gone := func(r *DeliveryRow) { r.Kind, r.GoneAt, r.Asked = "Delete", &began, true }
	for want, deliveries := range map[string][]DeliveryRow{
		"":                       nil,
		"The one server has it.": {toHost("veerhuis", nil)},
		"The one server does not have it; 1 refused it.": {toHost("zilverduin", refused)},
		"2 of 4 servers have it; 1 refused it; 1 is silent since Monday.": {toHost("veerhuis", nil),
			toHost("dijla", nil), toHost("zilverduin", refused), toHost("steiger", silent(began))},
		"1 of 3 servers has it; 2 are silent, the longest since Monday.": {toHost("veerhuis", nil),
			toHost("lagewal", silent(later)), toHost("steiger", silent(began))},
		"The one server does not have it; 1 waits its turn.": {toHost("veerhuis",
			func(r *DeliveryRow) { r.Status, r.Holds, r.Attempts = Waiting, 0, 0 })},
		"All 2 servers have it, 1 of them the newest version; 1 has an older version.": {toHost("veerhuis", nil),
			toHost("dijla", func(r *DeliveryRow) { r.Holds = 1 })},
		"1 of 2 servers took the request to forget it; 1 refused, and still has it.": {toHost("veerhuis", gone),
			toHost("dijla", func(r *DeliveryRow) { r.Kind, r.GoneAt, r.Status = "Delete", &began, Refused })},
		"The one server took the request to forget it.": {toHost("veerhuis", gone),
			toHost("zilverduin", func(r *DeliveryRow) { refused(r); r.Kind, r.GoneAt = "Create", &began })},
		"The one server has it; 1 still has a copy that was taken back before.": {toHost("veerhuis", nil),
			toHost("dijla", func(r *DeliveryRow) {
				r.Kind, r.GoneAt, r.Status, r.ObjectID, r.ActivityID = "Delete", &began, Refused, "0A", "01"
			})},
	} {
		if got := Summary(ServerStates(deliveries), monday); got != want {
			t.Errorf("the summary is %q, want %q", got, want)
		}
	}
}

func TestAServerStandsAsTheWorstOfItsInboxesAndOfNothingThatIsNoNews(t *testing.T) {
	inbox := func(name string, status DeliveryStatus) DeliveryRow {
		return toHost("veerhuis", func(r *DeliveryRow) { r.Inbox, r.Status = name, status })
	}
	list := ServerStates([]DeliveryRow{
		toHost("veerhuis", func(r *DeliveryRow) { r.ActivityID, r.Kind, r.Status = "04", "QuoteRequest", Refused }),
		toHost("veerhuis", func(r *DeliveryRow) { r.ActivityID, r.Status = "03", Superseded }),
		inbox("shared", Delivered), inbox("bram", Refused), inbox("nadia", Delivered),
		toHost("dijla", func(r *DeliveryRow) { r.Status = Superseded }),
	})
	if len(list) != 1 || list[0].Inbox != "bram" || list[0].Followers != 3 || list[0].Kind != "Update" {
		t.Fatalf("they stand as %+v", list)
	}
	if words := list[0].Describe(monday); !strings.Contains(words, "Has version 2, the newest.") {
		t.Errorf("it says %q", words)
	}
	unsure := ServerStates([]DeliveryRow{toHost("steiger",
		func(r *DeliveryRow) { r.Status, r.Holds, r.Unsure = Retrying, 0, true })})
	if words := unsure[0].Describe(monday); words != "May have it: it never said so." {
		t.Errorf("of one that never answered it says %q", words)
	}
}

func TestTheWordsTellSilentRefusingAndPatientServersApart(t *testing.T) {
	began := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC) // a Monday
	behind := func(r *DeliveryRow) {
		r.Status, r.Code, r.Holds, r.Attempts, r.Answer = Waiting, 0, 0, 0, ""
		r.RefusingSince, r.RefusalCode, r.RefusalAnswer = &began, 401, "Who are you?"
	}
	tried := func(r *DeliveryRow) { behind(r); r.Status, r.Attempts, r.Code = Retrying, 2, 401 }
	for _, c := range []struct {
		change         func(*DeliveryRow)
		words, summary string
	}{
		{func(r *DeliveryRow) {
			tried(r)
			r.RefusingSince, r.Code, r.Failures, r.FailingSince = nil, 0, 2, &began
		}, "Silent since Monday.", "1 is silent since Monday."},
		{func(r *DeliveryRow) {
			tried(r)
			r.RefusingSince, r.Code, r.Failures, r.FailingSince = nil, 503, 2, &began
		}, "In trouble since Monday.", "1 is silent since Monday."},
		{tried, "Refusing since Monday: it answers 401 to what this author sends.", "1 refuses at the moment."},
		{behind, "Refusing since Monday: it answers 401 to what this author sends. Its words: “Who are you?”.",
			"1 refuses at the moment."},
		{func(r *DeliveryRow) { tried(r); r.Code, r.Failures = 429, 1 }, "It asks for patience.", "1 asks for patience."},
		{func(r *DeliveryRow) { behind(r); r.Failures = 1 }, "It asks for patience.", "1 asks for patience."},
		{func(r *DeliveryRow) { tried(r); r.Status = Refused }, "", "1 refused it."},
	} {
		list := ServerStates([]DeliveryRow{toHost("steiger", c.change)})
		if words := list[0].Describe(monday); !strings.HasSuffix(words, c.words) {
			t.Errorf("it says %q, want %q", words, c.words)
		}
		if got := Summary(list, monday); got != "The one server does not have it; "+c.summary {
			t.Errorf("the summary is %q, want %q", got, c.summary)
		}
	}
}
