package journal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/footfall-go/footfall/internal/oserror"
)

// Values of [Options.Sync] that are not an interval.
const (
	// SyncAlways fsyncs every Append before it returns; those that wait at the
	// same time share one fsync.
	SyncAlways time.Duration = -1
	// SyncNever leaves writing back to the operating system, except for Commit.
	SyncNever time.Duration = -2
)

// Limits of one call.
const (
	// MaxRecord is the longest record, in bytes.
	MaxRecord = 1 << 20
	// MaxCall is the most that the records of one Append or Commit may take, in
	// bytes, each with 28 bytes for its header.
	MaxCall = 8 << 20
)

const (
	lockName = "LOCK"

	defaultMaxBytes     = 1 << 30
	defaultSegmentBytes = 8 << 20
	defaultSync         = 100 * time.Millisecond
	defaultStall        = 50 * time.Millisecond

	commitStall  = 2 * time.Second // how long Commit waits for its fsync
	closeStall   = 10 * time.Second
	syncRetry    = 250 * time.Millisecond
	maxPending   = MaxCall   // bytes waiting for the writer
	forControl   = 512 << 10 // of these, for control facts alone: many page views at once take the rest within a moment
	maxRetained  = 16 << 20  // bytes written and not synced, kept to be rewritten
	sealWhenDone = 256 << 10 // a segment of which everything is Done is closed when it is larger than this
)

// The errors to test for with [errors.Is]. Any other error comes from the disk.
var (
	// ErrFull: the record does not fit below the cap (for Append: 90 % of it).
	// There is room again when the archive has stored records.
	ErrFull = errors.New("journal: full: the archive has not taken what it holds; restore the archive or raise JOURNAL_MAX_BYTES")
	// ErrStalled: the disk did not confirm the write in time. An Append is written,
	// and handed out, when the disk answers again, unless the process dies first. A
	// Commit may or may not be written: treat it as undone.
	ErrStalled = errors.New("journal: the disk is too slow, so that a write is not confirmed in time: look at the disk of DATA_DIR and what else writes to it")
	// ErrTooLarge: a record is longer than MaxRecord, or the call than MaxCall.
	ErrTooLarge = errors.New("journal: record too large")
	// ErrClosed: the journal was sealed or closed.
	ErrClosed = errors.New("journal: closed: nothing is recorded after Tracker.Close")
	// ErrLocked: another process, or another Journal of this one, has the directory.
	ErrLocked = errors.New("in use by another process")
)

// Options for [Open]. The zero value is ready for use.
type Options struct {
	// MaxBytes is the greatest size of all segments on disk, in bytes. Append may
	// use 90 % of it, Commit all. Records set aside are not counted. Default: 1 GiB.
	MaxBytes int64
	// SegmentBytes is the size past which a segment is closed, in bytes. It is never
	// more than an eighth of MaxBytes. Default: 8 MiB.
	SegmentBytes int64
	// Sync is the longest time between a write and its fsync, or SyncAlways or
	// SyncNever. Default: 100 ms.
	Sync time.Duration
	// Stall is how long Append waits for its write. Default: 50 ms.
	Stall time.Duration
	// Logger receives messages about damage and failed fsyncs. Default:
	// [slog.Default].
	Logger *slog.Logger
	// Lost, if set, is called with each record whose caller got ErrStalled and that
	// could not be written later either. The writer calls it, so it must be quick and
	// must not use the journal. The record is valid until it returns.
	Lost func(record []byte)
	// ReserveBytes is how many bytes are held ready for what Commit writes when the disk,
	// or the journal, is full: a file of that size, beside MaxBytes. Default: none.
	ReserveBytes int64
	// Found, if set, is called by Open with each record that it finds, valid until Found
	// returns.
	Found func(at Position, record []byte)
	// BeforeWrite, if set, is called before each write to a segment. It may delay
	// the write or make it fail. It exists for tests of packages that use a journal.
	BeforeWrite func() error

	fs fsys
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	o.SegmentBytes = max(min(o.SegmentBytes, o.MaxBytes/8), 1)
	if o.Sync == 0 || o.Sync < SyncNever {
		o.Sync = defaultSync
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.fs == nil {
		o.fs = osFS{}
	}
	return o
}

// Position is the number of a record. Later records have higher numbers, a number
// is never used twice, and numbers may have gaps. A record is confirmed once its
// Position is at or below one given to [Journal.Done]. Positions from different
// Opens cannot be compared.
type Position uint64

// A Journal is safe for concurrent use. Next is meant for one consumer: concurrent
// calls of Next take turns.
type Journal struct {
	dir  string
	o    Options
	fs   fsys
	log  *slog.Logger
	lock *flock.Flock

	// io is held while the current segment is written: by the writer for each
	// batch, by the syncer only for repairs. Append and Commit never wait for it.
	io sync.Mutex

	// mu guards all fields below. It is never held during I/O, and is taken after io.
	mu       sync.Mutex
	work     sync.Cond // wakes the writer: a pending record, room, or sealed
	sealed   bool
	closed   bool
	assigned Position // the last number given out
	written  Position // the last number that can be read
	done     Position

	// Appending.
	pending  *batch // calls add their records to it
	spare    *batch // the other batch, nil while the writer has it
	inflight *batch // the batch that the writer is writing
	writeErr error  // of the latest write
	probing  bool   // Check is finding out whether writing works again
	stalled  [2]bool
	watchAt  time.Time // when the watchdog's timer fires; zero: not set
	watchdog *time.Timer
	waiters  sync.Pool // not shared by journals: a synctest bubble keeps its channels

	// Syncing.
	retained  retention // what was written since the last good fsync
	syncing   []*waiter // written, waiting for fsync, in order
	dirDirty  bool      // a segment was created since the directory was synced
	suspect   bool      // an fsync failed; only rewriting can help
	syncSet   bool      // the syncer's timer is set
	syncTimer *time.Timer
	syncNow   chan struct{}

	// Segments.
	segments []*segment
	current  *segment // receives the next write; nil: the next write creates one
	runs     []*run   // in the order in which they are read
	order    int
	bytes    int64 // what the segments take on disk

	reserve     reserve
	reserveWork chan struct{}
	reserveDone chan struct{}

	// Handing out. Only the holder of turn uses reader.
	turn      chan struct{}
	reader    reader
	rewinds   int // counts Rewinds, so that a read in progress notices
	handed    Position
	handouts  []handout // handed out and not Done
	waiting   bool      // Next is waiting for readable
	readable  chan struct{}
	lastTaken int64 // time of the last record handed out, unix nanoseconds

	// SetAside.
	asideMu sync.Mutex
	aside   file

	n counters

	stop       chan struct{}
	writerDone chan struct{}
	syncerDone chan struct{}
	finalErr   error // the syncer's, valid after syncerDone
	closeOnce  sync.Once
	closeErr   error
}

// Open locks dir, which it creates (mode 0700) if it does not exist, and finds
// every record in it that is not Done. If another owner has locked the directory,
// the error wraps [ErrLocked]. Damage is not an error: see [Stats].
func Open(dir string, o Options) (*Journal, error) {
	o = o.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", oserror.Dir(dir, err))
	}
	lock := flock.New(filepath.Join(dir, lockName))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("journal: %w", oserror.Lock(dir, err))
	case !ok:
		return nil, fmt.Errorf("journal: %s is %w: stop that one, or give this one a DATA_DIR of its own", dir, ErrLocked)
	}
	j := &Journal{
		dir: dir, o: o, fs: o.fs, log: o.Logger, lock: lock,
		pending: new(batch), spare: new(batch),
		syncNow: make(chan struct{}, 1), readable: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		reserveWork: make(chan struct{}, 1), reserveDone: make(chan struct{}),
		stop: make(chan struct{}), writerDone: make(chan struct{}), syncerDone: make(chan struct{}),
	}
	j.work.L = &j.mu
	j.waiters.New = newWaiter
	if err := j.recover(); err != nil {
		_ = lock.Unlock()
		if _, ofFile := oserror.Path(err); ofFile {
			return nil, fmt.Errorf("journal: %w", oserror.Dir(dir, err))
		}
		return nil, fmt.Errorf("journal: open %s: %w", dir, err)
	}
	j.watchdog = time.AfterFunc(time.Hour, j.watch)
	j.syncTimer = time.AfterFunc(time.Hour, j.wakeSyncer)
	j.watchdog.Stop()
	j.syncTimer.Stop()
	go j.writeLoop()
	go j.syncLoop()
	go j.reserveLoop()
	return j, nil
}

// Seal ends appending: from now on Append and Commit return ErrClosed, and Next
// returns [io.EOF] when it has handed out all records. Seal does not wait.
func (j *Journal) Seal() {
	j.mu.Lock()
	j.sealed = true
	j.work.Broadcast()
	j.mu.Unlock()
	j.signalReader()
}

// Close seals the journal, writes and fsyncs what was accepted (it does not
// fsync with SyncNever), deletes the segments if everything is Done, and unlocks
// the directory. Records that are not Done stay for the next Open. If the disk does
// not answer within 10 s, Close returns an error wrapping ErrStalled, and the
// directory stays locked until the process exits. Only the first call does this;
// later calls return the same error.
func (j *Journal) Close() error {
	j.closeOnce.Do(func() { j.closeErr = j.close() })
	return j.closeErr
}

func (j *Journal) close() error {
	j.Seal()
	finished := make(chan error, 1)
	go func() {
		<-j.writerDone
		close(j.stop)
		<-j.syncerDone
		<-j.reserveDone
		finished <- errors.Join(j.finalErr, j.release())
	}()
	limit := time.NewTimer(closeStall)
	defer limit.Stop()
	select {
	case err := <-finished:
		return err
	case <-limit.C:
		return fmt.Errorf("journal: close %s: %w", j.dir, ErrStalled)
	}
}

// release runs last, when no goroutine writes any more.
func (j *Journal) release() error {
	j.mu.Lock()
	j.closed = true
	j.watchdog.Stop()
	j.syncTimer.Stop()
	var files []io.Closer
	for _, s := range j.segments {
		if s.f != nil {
			files = append(files, s.f)
			s.f = nil
		}
	}
	j.current = nil
	var victims []*segment
	if j.done >= j.written {
		victims = j.takeDone(true)
	}
	j.mu.Unlock()

	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	errs = append(errs, j.closeReserve(), j.removeSegments(victims))
	j.signalReader()
	j.turn <- struct{}{} // waits for a Next that is still reading
	j.reader.close()
	<-j.turn
	j.asideMu.Lock()
	if j.aside != nil {
		errs = append(errs, j.aside.Close())
		j.aside = nil
	}
	j.asideMu.Unlock()
	errs = append(errs, j.lock.Unlock())
	return errors.Join(errs...)
}
