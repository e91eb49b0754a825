package scenarios_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/store"
)

// A field that is ignored looks like one that was recorded. So each field of an input
// has to show in what is stored; whoever adds one adds it here.
func TestInputs_EachFieldCounts(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Do("POST", "/login/alice")
	session := visitOf(t, s, b)

	order := footfall.OrderInput{ID: "order-id", Total: footfall.Money{Amount: 4711, Currency: "CHF"}, Metadata: json.RawMessage(`{"mark":"order-metadata"}`)}
	if _, _, err := s.Tracker.PlaceOrderFor(t.Context(), session, order); err != nil {
		t.Fatal(err)
	}
	refund := footfall.RefundInput{ID: "refund-id", OrderID: "order-id", Amount: footfall.Money{Amount: 42, Currency: "CHF"}}
	if err := s.Tracker.Refund(t.Context(), refund); err != nil {
		t.Fatal(err)
	}
	event := footfall.EventInput{Type: "event-type", Page: "/event-page", ProductID: "event-product", Metadata: json.RawMessage(`{"mark":"event-metadata"}`)}
	if err := s.Tracker.TrackFor(t.Context(), session, event); err != nil {
		t.Fatal(err)
	}
	other := footfall.Visit{SessionID: unknownID, VisitorID: session.VisitorID, CustomerID: "visit-customer"}
	if _, _, err := s.Tracker.PlaceOrderFor(t.Context(), other, footfall.OrderInput{ID: "other", Total: sale}); err != nil {
		t.Fatal(err)
	}
	s.Settle()

	var orders [2]store.Order
	for i, id := range []string{"order-id", "other"} {
		var err error
		if orders[i], _, err = s.SQLite.Order(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	stored, _, err := s.SQLite.Refund(t.Context(), "refund-id")
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.SQLite.Events(t.Context(), session.SessionID, 100)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%+v %+v", orders, stored)
	for _, o := range orders {
		all += string(o.Metadata)
	}
	for _, e := range events {
		all += fmt.Sprintf(" %+v %s", e, e.Metadata)
	}
	for _, input := range []any{order, refund, event, session, other} {
		v := reflect.ValueOf(input)
		for i := range v.NumField() {
			field := v.Type().Field(i).Name
			if v.Field(i).IsZero() {
				t.Errorf("%T.%s is not set: the test does not test it", input, field)
			}
			text := fmt.Sprintf("%+v", v.Field(i).Interface())
			if raw, ok := v.Field(i).Interface().(json.RawMessage); ok {
				text = string(raw)
			}
			if text == unknownID {
				continue // a session that is not there
			}
			if !strings.Contains(all, text) {
				t.Errorf("%T.%s is ignored: %q is nowhere in what is stored", input, field, text)
			}
		}
	}
}
