package orders

import (
	"context"
	"sync"

	"github.com/footfall-go/footfall/internal/outbox"
)

// maxKept is how many bytes of orders that the archive does not hold yet are kept, and
// how many of refunds. Past it the oldest are forgotten: the journal still has them, but
// a second call with the id of one is not known to be the second before the archive
// answers.
const maxKept = 32 << 20

// unstored are the orders, or the refunds, that are being recorded or that the
// archive does not hold yet, by their ids.
type unstored[T any] struct {
	size   func(*T) int // of a value, in bytes
	forgot func()       // is called for each value that is forgotten

	mu      sync.Mutex
	records map[string]*record[T]
	kept    []place[T] // values in the journal, in the order of their positions
	bytes   int        // of kept
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
	position outbox.Position // of the value in the journal, if the archive may lack it; otherwise 0
}

// A place is where the journal has a value of a record. A later place of the same record
// replaces it.
type place[T any] struct {
	r        *record[T]
	position outbox.Position
	bytes    int
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
	if r.users == 0 && r.position == 0 {
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
		if r.known && r.position != 0 && match(&r.value) {
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
}

// journalled sets a value that the journal holds at a position.
func (u *unstored[T]) journalled(r *record[T], value T, position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.value, r.known, r.position = value, true, position
	p := place[T]{r, position, u.size(&value)}
	u.kept, u.bytes = append(u.kept, p), u.bytes+p.bytes
	for u.bytes > maxKept {
		if u.shift() {
			u.forgot()
		}
	}
}

// shift forgets the oldest place. It reports whether the journal has its value nowhere
// else. u.mu is held.
func (u *unstored[T]) shift() (last bool) {
	p := u.kept[0]
	u.kept[0] = place[T]{}
	u.kept, u.bytes = u.kept[1:], u.bytes-p.bytes
	if p.r.position != p.position {
		return false // it was completed since
	}
	p.r.position = 0
	u.drop(p.r)
	return true
}

// confirmed forgets the records that the archive holds now. Two calls may have written
// in one order and been noted in the other: then the first waits for the second.
func (u *unstored[T]) confirmed(position outbox.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.kept) > 0 && u.kept[0].position <= position {
		u.shift()
	}
	if len(u.kept) == 0 {
		u.kept = nil
	}
}
