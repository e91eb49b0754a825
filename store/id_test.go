package store

import (
	"testing"
	"time"
)

func TestIDTime(t *testing.T) {
	at, ok := IDTime("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") // the example of RFC 9562
	if want := time.UnixMilli(1645557742000).UTC(); !ok || !at.Equal(want) {
		t.Errorf("the time of a UUIDv7 is %v, %v; want %v", at, ok, want)
	}
	for _, id := range []string{
		"", "919108f7-52d1-4320-9bac-f847db4148a8", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017g22e2-79b0-7cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", "017f22e2-79b0-7cc3_98c4-dc0c0c07398f", "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	} {
		if at, ok := IDTime(id); ok {
			t.Errorf("%q is no UUIDv7, and its time is %v", id, at)
		}
	}
}

func TestOrder_CompleteFillsInWhatIsNotKnown(t *testing.T) {
	at := time.UnixMilli(1).UTC()
	o := Order{OrderID: "o", VisitorID: "v", Total: Money{1, "EUR"}, CreatedAt: at}
	other := Order{OrderID: "o", SessionID: "s", VisitorID: "w", CustomerID: "c", Metadata: []byte("{}"), Total: Money{1, "EUR"}, CreatedAt: at.Add(1)}
	if !o.Complete(&other) || o.SessionID != "s" || o.VisitorID != "v" || o.CustomerID != "c" || string(o.Metadata) != "{}" || !o.CreatedAt.Equal(at) {
		t.Errorf("the completed order is %+v: what was known stays, the rest is filled in", o)
	}
	if o.Complete(&other) {
		t.Error("an order that knows everything is said to have changed")
	}
}
