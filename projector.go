package footfall

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/journal"
)

// The projector carries facts from the journal to the archive in batches.
const (
	gatherTime      = 200 * time.Millisecond // facts gather that long, so that a batch is worth its transaction
	worthBatch      = 200                    // of so many it is worth it sooner
	batchRecords    = 4000
	batchBytes      = 4 << 20
	appendTimeout   = 30 * time.Second
	minArchiveRetry = 50 * time.Millisecond
	maxArchiveRetry = 2 * time.Second
)

// project is the loop that empties the journal.
func (t *Tracker) project(ctx context.Context) {
	for {
		batch, err := t.journal.Next(ctx, batchRecords, batchBytes)
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return
		case err != nil:
			t.complain(err)
			if !clock.Sleep(ctx, time.Second) {
				return
			}
			continue
		}
		if !t.carry(ctx, batch) {
			return
		}
		if t.hurry.Load() && t.onlyPending.Load() {
			return // they wait for the next start
		}
		if len(batch.Records) < batchRecords/2 && !t.hurry.Load() && !clock.Sleep(ctx, gatherFor(len(batch.Records))) {
			return
		}
	}
}

// gatherFor is how long facts gather after a batch of so many. Where many come,
// less: a batch takes a core for as long as it is large, and requests wait.
func gatherFor(records int) time.Duration {
	return gatherTime * worthBatch / time.Duration(max(records, worthBatch))
}

// carry takes one batch to the archive, however long that takes. It returns
// false if ctx ended first: the journal still has the batch then.
func (t *Tracker) carry(ctx context.Context, batch journal.Batch) bool {
	facts := make([]Fact, 0, len(batch.Records))
	for _, record := range batch.Records {
		fact, err := decodeFact(record)
		if err != nil {
			t.setAside(record, err)
			continue
		}
		facts = append(facts, fact)
	}
	held := len(facts)
	facts, ok := t.attribute(ctx, facts)
	if !ok {
		return false
	}
	t.onlyPending.Store(held > 0 && len(facts) == 0)
	if !t.replayed() {
		t.replaySeen.note(facts)
	}
	t.clamp(facts)
	if !t.store(ctx, facts) {
		return false
	}
	if err := t.journal.Done(batch.End); err != nil {
		t.complain(err)
	}
	t.confirmed.Store(uint64(batch.End))
	if t.replayLeft.Add(-int64(len(batch.Records))) <= 0 && !t.replayed() {
		t.endReplay(ctx)
	}
	t.orders.confirmed(batch.End)
	t.counts.projected.Add(uint64(len(facts)))
	return true
}

// endReplay lets requests rely on the archive, once what the replay revoked is
// known; if that fails, housekeeping tries again.
func (t *Tracker) endReplay(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
	defer cancel()
	if err := t.revoked.Follow(asking); err != nil {
		t.counts.archiveErrors.Add(1)
		if !t.archive.Shared() {
			return
		}
		// What is revoked in a shared archive was never in this journal, and
		// customers wait until it has been read.
	}
	t.replayOnce.Do(func() {
		close(t.replayDone)
		if t.replaySeen.begin() {
			t.running.Go(t.settleReplay)
		}
	})
}

// store appends facts to the archive, trying again until it takes them. Facts
// that it will never take are set aside one by one.
func (t *Tracker) store(ctx context.Context, facts []Fact) bool {
	for wait := minArchiveRetry; len(facts) > 0; wait = min(2*wait, maxArchiveRetry) {
		appendCtx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := t.archive.Unguarded().Append(appendCtx, facts)
		cancel()
		switch {
		case err == nil:
			t.archiveOK()
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, ErrRejected):
			if len(facts) == 1 {
				t.setAside(appendFact(nil, facts[0]), err)
				return true
			}
			half := len(facts) / 2
			return t.store(ctx, facts[:half]) && t.store(ctx, facts[half:])
		}
		t.archiveFailed(err)
		if !clock.Sleep(ctx, wait) {
			return false
		}
	}
	return true
}

func (t *Tracker) setAside(record []byte, reason error) {
	t.counts.setAside.Add(1)
	t.log.Error("footfall: a fact was set aside: the archive will never take it", "error", reason)
	if err := t.journal.SetAside(record, reason.Error()); err != nil {
		t.complain(err)
	}
}

// archiveFailed and archiveOK note an outage of the archive and its end.
func (t *Tracker) archiveFailed(err error) {
	t.counts.archiveErrors.Add(1)
	t.archiveFailedAt.Store(time.Now().UnixMilli())
	if t.failingSince.CompareAndSwap(0, time.Now().UnixMilli()) {
		t.log.Error("footfall: the archive does not take facts; the journal keeps them", "error", err)
	}
}

func (t *Tracker) archiveOK() {
	if since := t.failingSince.Swap(0); since != 0 {
		t.log.Info("footfall: the archive takes facts again", "after", time.Since(time.UnixMilli(since)).Round(time.Millisecond))
	}
}

// drain waits until the archive holds everything, or ctx is done.
func (t *Tracker) drain(ctx context.Context) error {
	for _, m := range t.begins.take(clock.Now(), true) {
		t.noteUncounted(m)
	}
	t.hurry.Store(true)
	for t.journal.Stats().Pending > 0 && !t.onlyPending.Load() {
		if !clock.Sleep(ctx, 10*time.Millisecond) {
			return errors.New("footfall: the archive did not take everything in time: the rest stays in the journal for the next start")
		}
	}
	return nil
}

// clamp corrects the times of facts that a clock which runs ahead has put into
// the future.
func (t *Tracker) clamp(facts []Fact) {
	latest, limited := t.clock.Latest()
	if !limited {
		return
	}
	limit := func(at *time.Time) {
		if at.After(latest) {
			*at = latest
			t.counts.timesClamped.Add(1)
		}
	}
	for _, fact := range facts {
		switch f := fact.(type) {
		case *SessionBegun:
			limit(&f.StartedAt)
			limit(&f.LastSeenAt)
		case *EventRecorded:
			limit(&f.CreatedAt)
		case *SessionSeen:
			limit(&f.At)
		case *OrderPlaced:
			limit(&f.CreatedAt)
		case *OrderRefunded:
			limit(&f.At)
		case *BotSeen:
			limit(&f.At)
		}
	}
}
