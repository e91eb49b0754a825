package mongoarchive_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// Amounts beyond store.MaxAmount may be there from before they were refused.
func TestStats_SumsDoNotOverflow(t *testing.T) {
	uri := database(t, testserver.MongoDB(t))
	a := open(t, uri)
	order := func(id string) store.Fact {
		return &store.OrderPlaced{EventID: "e" + id, Order: store.Order{OrderID: id, Total: store.Money{Amount: 1, Currency: "EUR"}, CreatedAt: began}}
	}
	refund := func(id string) store.Fact {
		return &store.OrderRefunded{RefundID: id, OrderID: "o-1", Amount: store.Money{Amount: 1, Currency: "EUR"}, EventID: "e" + id, At: began}
	}
	mustAppend(t, a, order("o-1"), order("o-2"), refund("r-1"))
	for _, collection := range []string{"orders", "refunds"} {
		if _, err := raw(t, uri, collection).UpdateMany(t.Context(), bson.M{}, bson.M{"$set": bson.M{"total.amount": int64(math.MaxInt64)}}); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, a, refund("r-2"))
	s, err := a.Stats(t.Context(), report.Window{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Money{{Amount: math.MaxInt64, Currency: "EUR"}}
	if !reflect.DeepEqual(s.Revenue, want) || !reflect.DeepEqual(s.Refunded, want) {
		t.Errorf("revenue is %+v and refunded %+v, want %+v: a sum that is no int64 is the int64 nearest to it", s.Revenue, s.Refunded, want)
	}
}
