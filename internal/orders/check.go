package orders

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/store"
)

const maxID = 128

// check says what is wrong with an order, and brings its metadata into form.
func check(order *store.Order) (err error) {
	if order.OrderID == "" || enrich.Text(order.OrderID, maxID) != order.OrderID {
		return fmt.Errorf("footfall: an order's id is 1 to %d bytes of text", maxID)
	}
	if err := checkMoney(&order.Total); err != nil {
		return err
	}
	order.Metadata, err = enrich.Metadata(order.Metadata)
	return err
}

// checkMoney says what is wrong with an amount of money, and brings its currency into
// form.
func checkMoney(m *store.Money) (err error) {
	if m.Amount < 0 {
		return errors.New("footfall: an amount of money is 0 or more, also that of a refund")
	}
	if m.TooLarge() {
		return fmt.Errorf("footfall: an amount of money is at most %d minor units (10^15), not %d", int64(store.MaxAmount), m.Amount)
	}
	m.Currency, err = currency(m.Currency)
	return err
}

// eventIDOf is the id of the event that goes with something that has an id of its
// own, so that both count once.
func eventIDOf(kind, id string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("footfall:"+kind+":"+id)).String()
}
