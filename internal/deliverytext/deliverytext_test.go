package deliverytext_test

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
)

func monday(at time.Time) string { return at.Format("Monday") }

// toHost is a delivery about the copy of an article that is at version 2.
func toHost(host string, change func(*blog.DeliveryRow)) blog.DeliveryRow {
	r := blog.DeliveryRow{Delivery: blog.Delivery{ActivityID: "02", Inbox: "https://" + host + "/inbox", Host: host,
		Status: blog.Delivered, Attempts: 1, Code: 202, Revision: 2},
		Kind: "Update", ObjectID: "0B", Newest: 2, Holds: 2, Followers: 1}
	if change != nil {
		change(&r)
	}
	return r
}

func TestASummaryNamesTheHoldersAndTheReasonsOfTheOthers(t *testing.T) {
	began := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC) // a Monday
	later := began.AddDate(0, 0, 1)
	silent := func(since time.Time) func(*blog.DeliveryRow) {
		return func(r *blog.DeliveryRow) {
			r.Status, r.Code, r.Holds, r.Failures, r.FailingSince = blog.Retrying, 0, 0, 2, &since
		}
	}
	refused := func(r *blog.DeliveryRow) { r.Status, r.Code, r.Holds = blog.Refused, 403, 0 }
	gone := func(r *blog.DeliveryRow) { r.Kind, r.GoneAt, r.Asked = "Delete", &began, true }
	for want, deliveries := range map[string][]blog.DeliveryRow{
		"":                       nil,
		"The one server has it.": {toHost("veerhuis", nil)},
		"The one server does not have it; 1 refused it.": {toHost("zilverduin", refused)},
		"2 of 4 servers have it; 1 refused it; 1 has been silent since Monday.": {toHost("veerhuis", nil),
			toHost("dijla", nil), toHost("zilverduin", refused), toHost("steiger", silent(began))},
		"1 of 3 servers has it; 2 have been silent, the longest since Monday.": {toHost("veerhuis", nil),
			toHost("lagewal", silent(later)), toHost("steiger", silent(began))},
		"The one server does not have it; 1 waits its turn.": {toHost("veerhuis",
			func(r *blog.DeliveryRow) { r.Status, r.Holds, r.Attempts = blog.Waiting, 0, 0 })},
		"All 2 servers have it, 1 of them the newest version; 1 has an older version.": {toHost("veerhuis", nil),
			toHost("dijla", func(r *blog.DeliveryRow) { r.Holds = 1 })},
		"1 of 2 servers accepted the request to delete it; 1 refused, and still has it.": {toHost("veerhuis", gone),
			toHost("dijla", func(r *blog.DeliveryRow) { r.Kind, r.GoneAt, r.Status = "Delete", &began, blog.Refused })},
		"The one server accepted the request to delete it.": {toHost("veerhuis", gone),
			toHost("zilverduin", func(r *blog.DeliveryRow) { refused(r); r.Kind, r.GoneAt = "Create", &began })},
		"The one server has it; 1 still has a copy that was taken back before.": {toHost("veerhuis", nil),
			toHost("dijla", func(r *blog.DeliveryRow) {
				r.Kind, r.GoneAt, r.Status, r.ObjectID, r.ActivityID = "Delete", &began, blog.Refused, "0A", "01"
			})},
	} {
		if got := deliverytext.Summary(blog.ServerStates(deliveries), monday); got != want {
			t.Errorf("the summary is %q, want %q", got, want)
		}
	}
}

func TestAStateNamesTheVersionThatAServerHas(t *testing.T) {
	for want, change := range map[string]func(*blog.DeliveryRow){
		"Has version 2, the newest.": func(r *blog.DeliveryRow) { r.Status = blog.Refused },
		"May have it: it never confirmed that.": func(r *blog.DeliveryRow) {
			r.Status, r.Holds, r.Unsure = blog.Retrying, 0, true
		},
	} {
		list := blog.ServerStates([]blog.DeliveryRow{toHost("steiger", change)})
		if got := deliverytext.State(list[0], monday); got != want {
			t.Errorf("the state is %q, want %q", got, want)
		}
	}
}

func TestAStateDistinguishesSilentRefusingAndPatientServers(t *testing.T) {
	began := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC) // a Monday
	behind := func(r *blog.DeliveryRow) {
		r.Status, r.Code, r.Holds, r.Attempts, r.Answer = blog.Waiting, 0, 0, 0, ""
		r.RefusingSince, r.RefusalCode, r.RefusalAnswer = &began, 401, "Who are you?"
	}
	tried := func(r *blog.DeliveryRow) { behind(r); r.Status, r.Attempts, r.Code = blog.Retrying, 2, 401 }
	for _, c := range []struct {
		change         func(*blog.DeliveryRow)
		words, summary string
	}{
		{func(r *blog.DeliveryRow) {
			tried(r)
			r.RefusingSince, r.Code, r.Failures, r.FailingSince = nil, 0, 2, &began
		}, "Has been silent since Monday.", "1 has been silent since Monday."},
		{func(r *blog.DeliveryRow) {
			tried(r)
			r.RefusingSince, r.Code, r.Failures, r.FailingSince = nil, 503, 2, &began
		}, "Has had problems since Monday.", "1 has had problems since Monday."},
		{func(r *blog.DeliveryRow) {
			behind(r)
			r.RefusingSince, r.Failures, r.FailingSince = nil, 2, &began
		}, "Has had problems since Monday.", "1 has had problems since Monday."},
		{func(r *blog.DeliveryRow) { tried(r); r.RefusingSince, r.Code = nil, 503 }, "", "1 is tried again."},
		{tried, "Refusing since Monday: it answers 401 to what this author sends.", "1 refuses at the moment."},
		{behind, "Refusing since Monday: it answers 401 to what this author sends. Its answer: “Who are you?”.",
			"1 refuses at the moment."},
		{func(r *blog.DeliveryRow) { tried(r); r.Code, r.Failures = 429, 1 }, "It asks us to wait.",
			"1 asks us to wait."},
		{func(r *blog.DeliveryRow) { behind(r); r.Failures = 1 }, "It asks us to wait.", "1 asks us to wait."},
		{func(r *blog.DeliveryRow) { tried(r); r.Status = blog.Refused }, "", "1 refused it."},
	} {
		list := blog.ServerStates([]blog.DeliveryRow{toHost("steiger", c.change)})
		if words := deliverytext.State(list[0], monday); !strings.HasSuffix(words, c.words) {
			t.Errorf("it says %q, want %q", words, c.words)
		}
		if got := deliverytext.Summary(list, monday); got != "The one server does not have it; "+c.summary {
			t.Errorf("the summary is %q, want %q", got, c.summary)
		}
	}
}
