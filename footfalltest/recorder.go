package footfalltest

import (
	"context"
	"sync"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/store"
)

// A recorder is an archive that remembers what was appended to it.
type recorder struct {
	store.Archive
	mu    sync.Mutex
	facts []store.Fact
}

// Unwrap lets what the archive can do beside be found.
func (r *recorder) Unwrap() store.Archive { return r.Archive }

func (r *recorder) Append(ctx context.Context, facts []store.Fact) error {
	if err := r.Archive.Append(ctx, facts); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts = append(r.facts, facts...)
	return nil
}

// events are the events that were appended, each once. That of an order is of whose the
// order is in the end.
func (r *recorder) events() (events []store.Event) {
	completed := map[string]footfall.Order{}
	for _, o := range r.orders() {
		completed[o.OrderID] = o
	}
	seen := map[string]bool{}
	add := func(e store.Event) {
		if !seen[e.EventID] {
			seen[e.EventID] = true
			events = append(events, e)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fact := range r.facts {
		switch f := fact.(type) {
		case *store.EventRecorded:
			add(f.Event)
		case *store.OrderPlaced:
			whole := store.OrderPlaced{Order: completed[f.OrderID], EventID: f.EventID}
			add(whole.Event())
		case *store.OrderRefunded:
			add(f.Event())
		}
	}
	return events
}

// orders are the orders that were appended, each once, as the archive completed them.
func (r *recorder) orders() (orders []footfall.Order) {
	index := map[string]int{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fact := range r.facts {
		f, ok := fact.(*store.OrderPlaced)
		if !ok {
			continue
		}
		switch i, there := index[f.OrderID]; {
		case !there:
			index[f.OrderID] = len(orders)
			orders = append(orders, f.Order)
		case orders[i].Total == f.Total:
			orders[i].Complete(&f.Order)
		}
	}
	return orders
}
