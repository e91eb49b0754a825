package store_test

import (
	"errors"
	"math"
	"testing"

	"github.com/footfall-go/footfall/store"
)

func TestCheckAmount_RejectsWhatIsBeyondTheGreatestAmount(t *testing.T) {
	for amount, fine := range map[int64]bool{0: true, 1: true, -1: true, store.MaxAmount: true, store.MaxAmount + 1: false, -store.MaxAmount - 1: false, math.MaxInt64: false, math.MinInt64: false} {
		m := store.Money{Amount: amount, Currency: "EUR"}
		for what, fact := range map[string]store.Fact{"an order": &store.OrderPlaced{Order: store.Order{OrderID: "o", Total: m}}, "a refund": &store.OrderRefunded{RefundID: "r", Amount: m}} {
			if err := store.CheckAmount(fact); (err == nil) != fine || !fine && !errors.Is(err, store.ErrRejected) {
				t.Errorf("%s of %d: %v: more than 10^15 minor units are rejected for good, and no less", what, amount, err)
			}
		}
	}
	if err := store.CheckAmount(&store.SessionSeen{}); err != nil {
		t.Errorf("a fact without an amount: %v", err)
	}
}

func TestAddAmounts_DoesNotOverflow(t *testing.T) {
	for _, c := range []struct{ a, b, want int64 }{
		{1, 2, 3}, {math.MaxInt64, 1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}, {math.MinInt64, -1, math.MinInt64},
		{math.MinInt64, math.MinInt64, math.MinInt64}, {math.MaxInt64, math.MinInt64, -1}, {math.MaxInt64 - 1, 1, math.MaxInt64},
	} {
		if got := store.AddAmounts(c.a, c.b); got != c.want {
			t.Errorf("%d + %d is %d, want %d: a sum of money is the nearest that can be written, and never turns negative", c.a, c.b, got, c.want)
		}
	}
}
