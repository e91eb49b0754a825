package sqlitearchive_test

import (
	"database/sql"
	"math"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// Amounts beyond store.MaxAmount may be there from before they were refused.
func TestStats_SumsDoNotOverflow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a := open(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, row := range []struct {
		id, currency     string
		amount, refunded int64
	}{
		{"1", "EUR", math.MaxInt64, math.MaxInt64}, {"2", "EUR", math.MaxInt64, 1}, {"3", "USD", math.MaxInt64 - 5, 3}, {"4", "USD", 5, 4}, {"5", "JPY", -7, 0}, {"6", "JPY", 5_000_000_000, 0},
		{"7", "GBP", math.MinInt64, 0}, {"8", "GBP", math.MinInt64, 0},
	} {
		if _, err := db.Exec(`INSERT INTO orders (order_id, amount, currency, refunded, created_at) VALUES (?, ?, ?, ?, 1)`, row.id, row.amount, row.currency, row.refunded); err != nil {
			t.Fatal(err)
		}
	}
	s, err := a.Stats(t.Context(), report.Window{Now: time.Now()})
	if err != nil {
		t.Fatalf("Stats: %v: sums that are no int64 must not make the figures fail", err)
	}
	want := []store.Money{{Amount: math.MaxInt64, Currency: "EUR"}, {Amount: math.MinInt64, Currency: "GBP"}, {Amount: 4_999_999_993, Currency: "JPY"}, {Amount: math.MaxInt64, Currency: "USD"}}
	if !reflect.DeepEqual(s.Revenue, want) {
		t.Errorf("revenue is %+v, want %+v: a sum is exact, or the int64 nearest to it", s.Revenue, want)
	}
	if want := []store.Money{{Amount: math.MaxInt64, Currency: "EUR"}, {Amount: 7, Currency: "USD"}}; !reflect.DeepEqual(s.Refunded, want) {
		t.Errorf("refunded is %+v, want %+v: a sum is exact, or the int64 nearest to it", s.Refunded, want)
	}
}

func TestAppend_RefundsWhoseSumIsTooLargeAreStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a := open(t, path)
	refund := func(id string, amount int64) store.Fact {
		return &store.OrderRefunded{RefundID: id, OrderID: "o", Amount: store.Money{Amount: amount, Currency: "EUR"}, EventID: "e" + id, At: began}
	}
	mustAppend(t, a, refund("r-1", 3_000_000_000), refund("r-2", 4), &store.OrderPlaced{Order: store.Order{OrderID: "o", Total: store.Money{Amount: 1, Currency: "EUR"}, CreatedAt: began}})
	refunded := func() int64 {
		t.Helper()
		s, err := a.Stats(t.Context(), report.Window{Now: time.Now()})
		if err != nil || len(s.Refunded) != 1 {
			t.Fatalf("Stats: %+v, %v", s.Refunded, err)
		}
		return s.Refunded[0].Amount
	}
	if got := refunded(); got != 3_000_000_004 {
		t.Errorf("refunded is %d, want 3000000004", got)
	}
	mustAppend(t, a, refund("r-3", store.MaxAmount))
	if got := refunded(); got != store.MaxAmount+3_000_000_004 {
		t.Errorf("refunded is %d, want the sum of the refunds", got)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE orders SET refunded = 9223372036854775806`); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, refund("r-5", 2)) // an error here would be tried again for ever
	if got := refunded(); got != math.MaxInt64 {
		t.Errorf("refunded is %d, want the greatest int64: a sum does not overflow", got)
	}
}
