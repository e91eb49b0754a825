package outbox

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/internal/turn"
	"github.com/footfall-go/footfall/store"
)

const (
	// GatherTime is how long facts gather before they are carried on, so that a batch
	// is worth its transaction.
	GatherTime = 200 * time.Millisecond

	largeBatch      = 200 // records; after a larger batch facts gather for less time
	batchRecords    = 16_000
	sharedRecords   = 4000 // in one Append to a shared archive
	leastBatchBytes = 4 << 20
	mostBatchBytes  = 16 << 20
	appendTimeout   = 30 * time.Second
	growAfter       = time.Minute // after one that timed out, until batches are larger again
	minArchiveRetry = 50 * time.Millisecond
	maxArchiveRetry = 2 * time.Second
)

// A projector carries facts from the journal to the archive in batches. A batch that
// fails, or takes longer than appendTimeout, is halved, down to one fact, so that no
// batch is repeated for ever that the archive cannot take as a whole. A single fact
// that fails is held (see [held]) if the archive takes others.
//
// Only the loop that runs it uses its fields.
type projector struct {
	*Outbox
	wait     time.Duration // before the archive is tried again
	most     int           // facts in an Append; fewer after one that timed out
	timedOut time.Time     // when one did
	took     uint64        // Appends that the archive has taken
	end      Position      // of the last batch that was read
	records  int           // that were read and are not counted as carried
	held     holdings
	turn     turn.Turn

	again Position // of the first event that was looked up and put at the journal's end, since the last such round; 0: none
	round bool     // the latest batch came to that
}

func (b *Outbox) project(ctx context.Context, most int) {
	p := &projector{Outbox: b, wait: minArchiveRetry, most: most}
	for p.step(ctx) {
	}
}

// mostRecords is how many facts an Append has at most. Where thousands of connections keep
// every processor busy, the projector waits for its turn some times for each batch, whatever
// is in it, and only large ones keep up with the facts that come. A shared archive is not on
// this machine, and is to answer in time.
func (b *Outbox) mostRecords() int {
	if b.archive.Shared() {
		return sharedRecords
	}
	return batchRecords
}

// batchBytes is how much a batch takes in the journal; in memory it is several times that.
func batchBytes() int { return int(min(max(memory.Share(2), leastBatchBytes), mostBatchBytes)) }

// step carries one batch. It returns false if the loop has to end.
func (p *projector) step(ctx context.Context) bool {
	batch, err := p.next(ctx)
	switch {
	case ctx.Err() != nil || errors.Is(err, io.EOF):
		return false
	case errors.Is(err, context.DeadlineExceeded): // a held fact is to be tried again
	case err != nil:
		p.complain(err)
		return clock.Sleep(ctx, time.Second)
	}
	if !p.carry(ctx, batch) {
		return false
	}
	if p.closing.Load() && p.onlyUnattributed.Load() {
		return false // they wait for the next start
	}
	if p.round && !p.closing.Load() {
		return clock.Sleep(ctx, lookAgain)
	}
	return err != nil || len(batch.Records) >= batchRecords/2 || p.closing.Load() || clock.Sleep(ctx, gatherFor(len(batch.Records)))
}

// next reads a batch. It returns [context.DeadlineExceeded] when a held fact is to be
// tried again before there is one.
func (p *projector) next(ctx context.Context) (journal.Batch, error) {
	if at, some := p.held.due(); some {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, at)
		defer cancel()
	}
	return p.journal.Next(ctx, batchRecords, batchBytes())
}

// gatherFor is how long facts gather after a batch of so many. Where many come,
// less: a batch takes a core for as long as it is large, and requests wait.
func gatherFor(records int) time.Duration {
	return GatherTime * largeBatch / time.Duration(max(records, largeBatch))
}

// carry takes one batch to the archive, however long that takes. It returns
// false if ctx ended first: the journal still has the batch then.
func (p *projector) carry(ctx context.Context, batch journal.Batch) bool {
	facts, ok := p.read(ctx, batch)
	if !ok || !p.retryHeld(ctx) || !p.store(ctx, facts) || !p.retryHeld(ctx) { // at last those that failed before the archive was back
		return false
	}
	if !p.held.isAway() {
		p.gate.carry(p.records) // what is held counts too: the ends among it are known
		p.records = 0
	}
	if p.held.none() && p.end > p.Confirmed() {
		p.archiveTook() // also if it rejected facts, or none was left to store: it answered
		if err := p.journal.Done(p.end); err != nil {
			p.complain(err)
		}
		p.confirmed.Store(uint64(p.end))
		p.hooks.Confirmed(p.end)
	}
	return true
}

// read returns the facts of a batch.
func (p *projector) read(ctx context.Context, batch journal.Batch) ([]store.Fact, bool) {
	facts := make([]store.Fact, 0, len(batch.Records))
	var waiting []*unattributed
	for _, record := range batch.Records {
		p.turn.Keep()
		fact, event, err := decode(record)
		switch {
		case err != nil:
			if !p.putAside(ctx, record, err) {
				return nil, false
			}
		case event != nil:
			waiting = append(waiting, event)
		default:
			facts = append(facts, fact)
		}
	}
	found, ok := p.lookUp(ctx, waiting)
	if !ok {
		return nil, false
	}
	if p.round = p.again != 0 && batch.End >= p.again; p.round {
		p.again = 0
	}
	var looked, unlooked, later []*unattributed
	for _, event := range waiting {
		if _, ok := found[event.SessionID]; ok {
			looked = append(looked, event)
		} else {
			unlooked = append(unlooked, event)
		}
	}
	left, _ := p.appendAgain(unlooked)
	for _, event := range unlooked[left:] { // the journal is full: their turn is now
		if _, ok := found[event.SessionID]; !ok {
			rec, ok := p.session(ctx, event.SessionID)
			if !ok {
				return nil, false
			}
			found[event.SessionID] = rec
		}
		looked = append(looked, event)
	}
	for _, event := range looked {
		recorded, again := p.resolve(event, found[event.SessionID])
		if recorded != nil {
			facts = append(facts, recorded)
		} else if again {
			later = append(later, event)
		}
	}
	n, first := p.appendAgain(later) // the others get no room before the batch is done that they are of
	p.eventsUnattributed.Add(uint64(len(later) - n))
	if p.again == 0 {
		p.again = first
	}
	p.round = p.round && left == 0
	p.onlyUnattributed.Store(len(waiting) > 0 && len(facts) == 0 && left == 0)
	if !p.Replayed() {
		p.gate.note(facts)
	}
	p.clamp(facts)
	p.end, p.records = max(p.end, batch.End), p.records+len(batch.Records)
	return facts, true
}

// store appends facts to the archive, but for those that it will never take, which are
// set aside, and those that are held. It returns false if ctx ended first.
func (p *projector) store(ctx context.Context, facts []store.Fact) bool {
	for len(facts) > 0 {
		n := min(len(facts), p.most)
		if !p.storePart(ctx, facts[:n]) {
			return false
		}
		facts = facts[n:]
	}
	return true
}

func (p *projector) storePart(ctx context.Context, facts []store.Fact) bool {
	began := time.Now()
	for p.held.waiting >= maxWaiting && time.Since(began) < holdRetry {
		if !clock.Sleep(ctx, time.Second) || !p.retryHeld(ctx) {
			return false
		}
	}
	for began = time.Now(); ; {
		if facts = p.held.join(facts, p.hooks.Held); len(facts) == 0 {
			return true
		}
		err := p.try(ctx, facts)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, store.ErrRejected) && len(facts) == 1:
			return p.setFactAside(ctx, facts[0], err)
		case len(facts) > 1 && errors.Is(err, errTimeout):
			return p.pause(ctx) && p.store(ctx, facts) // in smaller parts
		case len(facts) > 1:
			if !errors.Is(err, store.ErrRejected) && !p.pause(ctx) {
				return false
			}
			half := len(facts) / 2
			return p.storePart(ctx, facts[:half]) && p.storePart(ctx, facts[half:])
		case p.held.hold(facts[0], err, p.took, time.Since(began), p.hooks.Held):
			return true
		}
		if !p.pause(ctx) || !p.retryHeld(ctx) {
			return false
		}
	}
}

// try appends facts once.
func (p *projector) try(ctx context.Context, facts []store.Fact) error {
	appending, cancel := context.WithTimeout(ctx, appendTimeout)
	err := p.archive.Append(appending, facts)
	timedOut := err != nil && appending.Err() != nil
	cancel()
	switch {
	case err == nil:
		p.took++
		p.wait = minArchiveRetry
		p.held.othersWereTaken()
		p.archiveTook()
		p.projected.Add(uint64(len(facts)))
		if time.Since(p.timedOut) > growAfter {
			p.most = min(2*p.most, p.mostRecords())
		}
	case ctx.Err() != nil || errors.Is(err, store.ErrRejected):
	default:
		p.archiveFailed(err)
		if timedOut {
			p.most, p.timedOut = max(min(p.most, len(facts))/2, 1), time.Now()
			err = errors.Join(errTimeout, err)
		}
	}
	return err
}

// errTimeout is wrapped by the error of an Append that took too long.
var errTimeout = errors.New("the archive did not answer in time")

// pause waits before the archive is tried again.
func (p *projector) pause(ctx context.Context) bool {
	wait := p.wait
	p.wait = min(2*p.wait, maxArchiveRetry)
	return clock.Sleep(ctx, wait)
}

// putAside sets a record aside, however long that takes: until then the journal must not
// forget it. It returns false if ctx ended first.
func (p *projector) putAside(ctx context.Context, record []byte, reason error) bool {
	for {
		err := p.journal.SetAside(record, reason.Error())
		if err == nil {
			break
		}
		p.complain(err)
		if !clock.Sleep(ctx, maxArchiveRetry) {
			return false
		}
	}
	p.setAside.Add(1)
	p.log.Error("footfall: a fact was set aside, because the archive will not take it", "error", reason)
	return true
}

// setFactAside puts a fact aside that the archive will not take. If it ends a session,
// or all of a customer's, that counts nevertheless.
func (p *projector) setFactAside(ctx context.Context, fact store.Fact, reason error) bool {
	p.hooks.Held(fact)
	return p.putAside(ctx, appendFact(nil, fact), reason)
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
