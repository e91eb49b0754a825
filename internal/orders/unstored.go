package orders

import (
	"sync"

	"github.com/footfall-go/footfall/internal/outbox"
	"github.com/footfall-go/footfall/store"
)

// unstored are the orders that the archive does not hold yet.
type unstored struct {
	mu     sync.Mutex
	orders map[string]*placed
}

// placed is an order that is being placed, or was. The order may be read once done
// is closed.
type placed struct {
	order    store.Order
	done     chan struct{}   // closed when the journal has it, or never will
	position outbox.Position // in the journal; 0: that has not taken it
}

// add adds an order, or returns the one of the same id that is there.
func (u *unstored) add(order store.Order) (p *placed, first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.orders[order.OrderID]; p != nil {
		return p, false
	}
	if u.orders == nil {
		u.orders = map[string]*placed{}
	}
	p = &placed{order: order, done: make(chan struct{})}
	u.orders[order.OrderID] = p
	return p, true
}

func (u *unstored) get(id string) *placed {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.orders[id]
}

func (u *unstored) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.orders, id)
}

// journalled records that the journal holds an order.
func (u *unstored) journalled(id string, position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.orders[id]; p != nil {
		p.position = position
	}
}

// unwritten are the orders that the journal has not taken.
func (u *unstored) unwritten() (orders []store.Order) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.orders {
		select {
		case <-p.done:
			if p.position == 0 {
				orders = append(orders, p.order)
			}
		default:
		}
	}
	return orders
}

// confirmed drops the orders that the archive holds now.
func (u *unstored) confirmed(position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, p := range u.orders {
		if p.position != 0 && p.position <= position {
			delete(u.orders, id)
		}
	}
}
