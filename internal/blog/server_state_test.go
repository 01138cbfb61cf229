package blog

import "testing"

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

func TestAServerHasTheStateOfItsWorstInbox(t *testing.T) {
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
}
