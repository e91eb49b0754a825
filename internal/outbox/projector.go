package outbox

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/store"
)

// The projector carries facts from the journal to the archive in batches.
const (
	// GatherTime is how long facts gather before they are carried on, so that a batch
	// is worth its transaction.
	GatherTime = 200 * time.Millisecond

	largeBatch      = 200 // records; after a larger batch facts gather for less time
	batchRecords    = 4000
	batchBytes      = 4 << 20
	appendTimeout   = 30 * time.Second
	minArchiveRetry = 50 * time.Millisecond
	maxArchiveRetry = 2 * time.Second
)

// project is the loop that empties the journal.
func (b *Outbox) project(ctx context.Context) {
	for {
		batch, err := b.journal.Next(ctx, batchRecords, batchBytes)
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return
		case err != nil:
			b.complain(err)
			if !clock.Sleep(ctx, time.Second) {
				return
			}
			continue
		}
		if !b.carry(ctx, batch) {
			return
		}
		if b.closing.Load() && b.onlyUnattributed.Load() {
			return // they wait for the next start
		}
		if len(batch.Records) < batchRecords/2 && !b.closing.Load() && !clock.Sleep(ctx, gatherFor(len(batch.Records))) {
			return
		}
	}
}

// gatherFor is how long facts gather after a batch of so many. Where many come,
// less: a batch takes a core for as long as it is large, and requests wait.
func gatherFor(records int) time.Duration {
	return GatherTime * largeBatch / time.Duration(max(records, largeBatch))
}

// carry takes one batch to the archive, however long that takes. It returns
// false if ctx ended first: the journal still has the batch then.
func (b *Outbox) carry(ctx context.Context, batch journal.Batch) bool {
	facts := make([]store.Fact, 0, len(batch.Records))
	var waiting []*unattributed
	for _, record := range batch.Records {
		fact, event, err := decode(record)
		switch {
		case err != nil:
			b.putAside(record, err)
		case event != nil:
			waiting = append(waiting, event)
		default:
			facts = append(facts, fact)
		}
	}
	for _, event := range waiting {
		recorded, ok := b.resolve(ctx, event)
		if !ok {
			return false
		}
		if recorded != nil {
			facts = append(facts, recorded)
		}
	}
	b.onlyUnattributed.Store(len(waiting) > 0 && len(facts) == 0)
	if !b.Replayed() {
		b.gate.note(facts)
	}
	b.clamp(facts)
	if !b.store(ctx, facts) {
		return false
	}
	b.archiveTook() // also if it rejected facts, or none was left to store: it answered
	if err := b.journal.Done(batch.End); err != nil {
		b.complain(err)
	}
	b.confirmed.Store(uint64(batch.End))
	b.gate.carry(len(batch.Records))
	b.hooks.Confirmed(batch.End)
	b.projected.Add(uint64(len(facts)))
	return true
}

// store appends facts to the archive, trying again until it takes them. Facts
// that it will never take are set aside one by one.
func (b *Outbox) store(ctx context.Context, facts []store.Fact) bool {
	for wait := minArchiveRetry; len(facts) > 0; wait = min(2*wait, maxArchiveRetry) {
		appendCtx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := b.archive.Append(appendCtx, facts)
		cancel()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, store.ErrRejected):
			if len(facts) == 1 {
				b.putAside(appendFact(nil, facts[0]), err)
				return true
			}
			half := len(facts) / 2
			return b.store(ctx, facts[:half]) && b.store(ctx, facts[half:])
		}
		b.archiveFailed(err)
		if !clock.Sleep(ctx, wait) {
			return false
		}
	}
	return true
}

func (b *Outbox) putAside(record []byte, reason error) {
	b.setAside.Add(1)
	b.log.Error("footfall: a fact was set aside: the archive will never take it", "error", reason)
	if err := b.journal.SetAside(record, reason.Error()); err != nil {
		b.complain(err)
	}
}

// archiveFailed and archiveTook record an outage of the archive and its end.
func (b *Outbox) archiveFailed(err error) {
	b.archive.CountError()
	b.archiveFailedAt.Store(time.Now().UnixMilli())
	if b.failingSince.CompareAndSwap(0, time.Now().UnixMilli()) {
		b.log.Error("footfall: the archive does not take facts; the journal keeps them", "error", err)
	}
}

func (b *Outbox) archiveTook() {
	if since := b.failingSince.Swap(0); since != 0 {
		b.log.Info("footfall: the archive takes facts again", "after", time.Since(time.UnixMilli(since)).Round(time.Millisecond))
	}
}

// clamp corrects the times of facts that a clock which runs ahead of the archive's
// has put into the future.
func (b *Outbox) clamp(facts []store.Fact) {
	latest, limited := b.clock.Latest()
	if !limited {
		return
	}
	limit := func(at *time.Time) {
		if at.After(latest) {
			*at = latest
			b.timesClamped.Add(1)
		}
	}
	for _, fact := range facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			limit(&f.StartedAt)
			limit(&f.LastSeenAt)
		case *store.EventRecorded:
			limit(&f.CreatedAt)
		case *store.SessionSeen:
			limit(&f.At)
		case *store.OrderPlaced:
			limit(&f.CreatedAt)
		case *store.OrderRefunded:
			limit(&f.At)
		case *store.BotSeen:
			limit(&f.At)
		}
	}
}
