package store

import (
	"fmt"
	"math"
)

// MaxAmount is the greatest amount of an order or a refund: 10^15 minor units, ten
// trillion euros. Thousands of orders of it have a sum that is an int64, and it is
// exact in a JSON number.
const MaxAmount = 1_000_000_000_000_000

// TooLarge reports whether an amount is beyond [MaxAmount].
func (m Money) TooLarge() bool { return m.Amount > MaxAmount || m.Amount < -MaxAmount }

// CheckAmount returns an error that wraps [ErrRejected] for an order or a refund of an
// amount that is beyond [MaxAmount]. An [Archive] stores nothing of a batch with one.
func CheckAmount(fact Fact) error {
	amount, of := Money{}, ""
	switch f := fact.(type) {
	case *OrderPlaced:
		amount, of = f.Total, "order "+f.OrderID
	case *OrderRefunded:
		amount, of = f.Amount, "refund "+f.RefundID
	}
	if !amount.TooLarge() {
		return nil
	}
	return fmt.Errorf("%w: %s is of %d minor units of money, and %d are the most", ErrRejected, of, amount.Amount, int64(MaxAmount))
}

// AddAmounts returns a + b, or the int64 nearest to it if that is none.
func AddAmounts(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}
