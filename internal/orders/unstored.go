package orders

import (
	"context"
	"sync"

	"github.com/footfall-go/footfall/internal/outbox"
)

// unstored are the orders, or the refunds, that are being recorded or that the
// archive does not hold yet, by their ids.
type unstored[T any] struct {
	mu      sync.Mutex
	records map[string]*record[T]
}

// A record is one of them. Whoever has its turn records it; the others of the same id
// wait.
type record[T any] struct {
	id   string
	turn chan struct{} // holds one value while somebody has the turn

	// What follows is guarded by unstored.mu.
	users    int // those who have the turn or wait for it
	value    T
	known    bool            // there is a value
	kept     bool            // the archive may lack the value: it has to be remembered
	written  bool            // the journal holds the value
	position outbox.Position // of the value in the journal
}

// acquire takes the turn of an id. It returns false if ctx ended before.
func (u *unstored[T]) acquire(ctx context.Context, id string) (r *record[T], ok bool) {
	r = u.add(id)
	select {
	case r.turn <- struct{}{}: // also if ctx has ended: nobody has to wait
		return r, true
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return r, true
	case <-ctx.Done():
		u.leave(r)
		return nil, false
	}
}

func (u *unstored[T]) add(id string) *record[T] {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.records[id]
	if r == nil {
		if u.records == nil {
			u.records = map[string]*record[T]{}
		}
		r = &record[T]{id: id, turn: make(chan struct{}, 1)}
		u.records[id] = r
	}
	r.users++
	return r
}

// release gives the turn back.
func (u *unstored[T]) release(r *record[T]) {
	<-r.turn
	u.leave(r)
}

func (u *unstored[T]) leave(r *record[T]) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.users--
	u.drop(r)
}

// drop forgets a record that nobody needs. u.mu is held.
func (u *unstored[T]) drop(r *record[T]) {
	if r.users == 0 && !r.kept {
		delete(u.records, r.id)
	}
}

// await returns what is known of an id, once nobody is recording it. It returns false
// if nothing is known here, and an error if ctx ended before.
func (u *unstored[T]) await(ctx context.Context, id string) (value T, known bool, err error) {
	u.mu.Lock()
	there := u.records[id] != nil
	u.mu.Unlock()
	if !there {
		return value, false, nil
	}
	r, ok := u.acquire(ctx, id)
	if !ok {
		return value, false, ctx.Err()
	}
	defer u.release(r)
	value, known = u.get(id)
	return value, known, nil
}

// get returns what is known of an id, whoever is recording it.
func (u *unstored[T]) get(id string) (value T, known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if r := u.records[id]; r != nil {
		return r.value, r.known
	}
	return value, false
}

// all returns the values that the archive may lack and that match.
func (u *unstored[T]) all(match func(*T) bool) (values []T) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.records {
		if r.known && r.kept && match(&r.value) {
			values = append(values, r.value)
		}
	}
	return values
}

// stored sets a value that the archive holds.
func (u *unstored[T]) stored(r *record[T], value T) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.value, r.known = value, true
	if !r.written {
		r.kept = false
	}
}

// journalled sets a value that the journal holds at a position.
func (u *unstored[T]) journalled(r *record[T], value T, position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.value, r.known, r.kept, r.written, r.position = value, true, true, true, position
}

// failed sets a value that nothing holds.
func (u *unstored[T]) failed(r *record[T], value T) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.value, r.known, r.kept, r.written = value, true, true, false
}

// unwritten takes the turn of each record that nothing holds and that nobody is
// recording. The caller releases them.
func (u *unstored[T]) unwritten() (records []*record[T]) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.records {
		if !r.kept || r.written {
			continue
		}
		select {
		case r.turn <- struct{}{}:
			r.users++
			records = append(records, r)
		default:
		}
	}
	return records
}

// confirmed forgets the records that the archive holds now.
func (u *unstored[T]) confirmed(position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.records {
		if r.written && r.position <= position {
			r.kept, r.written = false, false
			u.drop(r)
		}
	}
}
