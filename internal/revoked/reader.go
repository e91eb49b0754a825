package revoked

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/store"
)

// FollowEvery is how often an instance reads the feed, and FollowedAfter when every
// instance has read a change that is in it.
const (
	FollowEvery   = time.Second
	FollowedAfter = FollowEvery + FollowEvery/2
)

const (
	pageTimeout = 2 * time.Second
	maxPage     = 5000 // changes
	minPage     = 50
)

var errStandsStill = errors.New("footfall: the archive says that its feed of changes goes on, and shows nothing of it")

// A reader reads the feed page by page. What a page says is known, and the place kept,
// whatever becomes of the next page. One goroutine reads at a time.
type reader struct {
	feed     store.Ledger
	connects func() uint64 // connections that the hot store has made
	take     func([]store.CredentialChange)

	turn   chan struct{} // held while reading; with it, cursor and limit
	cursor int64
	limit  int // changes in a page: halved when one fails

	begun    atomic.Uint64 // readings of the whole feed that were begun, and the latest that ended
	ended    atomic.Uint64
	required atomic.Uint64 // readings up to this one do not count
	lookedAt atomic.Uint64 // connections of the hot store when the feed was last read because of them
	read     atomic.Int64  // changes since the start
	left     atomic.Int64  // changes that are known to be behind the cursor
}

func (r *reader) init(feed store.Ledger, hot store.HotStore, take func([]store.CredentialChange)) {
	r.feed, r.take, r.turn, r.limit = feed, take, make(chan struct{}, 1), maxPage
	r.connects = func() uint64 { return 0 }
	if c, ok := store.HotAs[store.Connector](hot); ok {
		r.connects = c.Connects
	}
}

// Progress is how many changes were read since the start, how many more there are as
// far as is known, and whether the feed was read to its end.
func (r *reader) Progress() (read, left int64, whole bool) {
	return r.read.Load(), r.left.Load(), r.isWhole()
}

func (r *reader) isWhole() bool { return r.ended.Load() > r.required.Load() }

// Expire has the feed read to its end once more before [Revoked.FollowIfReconnected]
// is content.
func (r *reader) Expire() { r.required.Store(r.begun.Load()) }

// Follow reads what was changed since the last time, up to the end that the feed had
// when this was called. If that fails, or ctx ends, the next call goes on where this
// one stopped. Who calls it while another reads waits and shares what comes of a
// reading that began later.
func (r *reader) Follow(ctx context.Context) error {
	asked := r.begun.Load()
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return r.unread(ctx.Err())
	}
	defer func() { <-r.turn }()
	if r.ended.Load() > asked {
		return nil
	}
	n := r.begun.Add(1)
	for end := int64(-1); ; {
		page, err := r.page(ctx)
		if err != nil {
			return r.unread(err)
		}
		if end < 0 {
			end = page.Next + page.Left
		}
		if page.Left == 0 || page.Next >= end {
			r.ended.Store(n)
			return nil
		}
	}
}

// unread says of an error how much of the feed it leaves unread.
func (r *reader) unread(err error) error {
	if read, left, whole := r.Progress(); !whole && left > 0 {
		return fmt.Errorf("read %d of %d changes of credentials: %w", read, read+left, err)
	}
	return err
}

// page reads one page and keeps what it says.
func (r *reader) page(ctx context.Context) (store.ChangesPage, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page, err := r.feed.CredentialChanges(ctx, r.cursor, r.limit)
	if err == nil && page.Left > 0 && page.Next == r.cursor {
		err = errStandsStill
	}
	if err != nil {
		r.limit = max(r.limit/2, minPage)
		return page, err
	}
	r.take(page.Changes)
	r.cursor, r.limit = page.Next, min(2*r.limit, maxPage)
	r.read.Add(int64(len(page.Changes)))
	r.left.Store(page.Left)
	return page, nil
}

// FollowIfReconnected reads the feed if that has never been done, or if the hot
// store has made a connection since the last time: a server that took over, or was
// restored, may hold sessions as they were before their end.
func (r *reader) FollowIfReconnected(ctx context.Context) error {
	connects := r.connects()
	if r.isWhole() && connects == r.lookedAt.Load() {
		return nil
	}
	if err := r.Follow(ctx); err != nil {
		return err
	}
	r.lookedAt.Store(connects)
	return nil
}
