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

	commitStall  = 2 * time.Second // how long Commit waits
	closeStall   = 10 * time.Second
	syncRetry    = 250 * time.Millisecond
	maxPending   = MaxCall   // bytes waiting for the writer
	maxRetained  = 16 << 20  // bytes written and not synced, kept to be rewritten
	sealWhenDone = 256 << 10 // a segment of which everything is Done is closed past this
)

// The errors to test for with [errors.Is]. Others are the disk's.
var (
	// ErrFull: the record does not fit below the cap (for Append: 90 % of it).
	// What the journal holds must reach the archive first.
	ErrFull = errors.New("journal: full: the archive has not taken what it holds; restore the archive or raise JOURNAL_MAX_BYTES")
	// ErrStalled: the disk did not confirm the write in time. It will be written,
	// and handed out, when the disk answers again, unless the process dies first;
	// a Commit may be.
	ErrStalled = errors.New("journal: the disk is too slow: the write is not confirmed in time")
	// ErrTooLarge: a record is longer than MaxRecord, or the call than MaxCall.
	ErrTooLarge = errors.New("journal: record too large")
	// ErrClosed: the journal was sealed or closed.
	ErrClosed = errors.New("journal: closed")
	// ErrLocked: another process, or another Journal of this one, has the directory.
	ErrLocked = errors.New("in use by another process")
)

// Options of [Open]. The zero value is ready for use.
type Options struct {
	// MaxBytes caps what the segments take on disk, in bytes; 0 is 1 GiB.
	// Append may fill 90 % of it, Commit all. What is set aside is not counted.
	MaxBytes int64
	// SegmentBytes is the size past which a segment is closed, in bytes; 0 is
	// 8 MiB. Never more than an eighth of MaxBytes.
	SegmentBytes int64
	// Sync is the longest time between a write and its fsync, SyncAlways or
	// SyncNever; 0 is 100 ms.
	Sync time.Duration
	// Stall is how long Append waits for its write; 0 is 50 ms.
	Stall time.Duration
	// Logger is told of damage and of failures to sync; nil is [slog.Default].
	Logger *slog.Logger
	// Lost, if there is one, is told of each record whose caller was told ErrStalled
	// and which could not be written later either. It is called by the writer, so it
	// must be quick and not use the journal; the record is good until it returns.
	Lost func(record []byte)
	// BeforeWrite, if there is one, is called before each write to a segment,
	// and may take its time or fail it: for tests of what uses a journal.
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

// Position is the number of a record: higher for later ones, never used twice,
// with gaps. A record is confirmed once its Position is at or below one given to
// [Journal.Done]. Positions of different Opens are not comparable.
type Position uint64

// A Journal is safe for concurrent use. Next has one consumer in mind: calls of
// it take turns.
type Journal struct {
	dir  string
	o    Options
	fs   fsys
	log  *slog.Logger
	lock *flock.Flock

	// io is held by who writes to the current segment: the writer for each
	// batch, the syncer only to repair. No appender ever waits for it.
	io sync.Mutex

	// mu guards everything below; it is never held over I/O. Taken after io.
	mu       sync.Mutex
	work     sync.Cond // for the writer: something pending, room, or sealed
	sealed   bool
	closed   bool
	assigned Position // the last number given out
	written  Position // the last number that can be read
	done     Position

	// Appending.
	pending  *batch // being filled
	spare    *batch // the other one, nil while the writer has it
	inflight *batch // the writer's
	writeErr error  // of the latest write
	stalled  [2]bool
	watchAt  time.Time // when the watchdog's timer goes off; zero: not set
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
	current  *segment // being appended to; nil: the next write creates one
	runs     []*run   // in reading order
	order    int
	bytes    int64 // what the segments take on disk

	// Handing out. The reader itself is used by whoever has the turn.
	turn      chan struct{}
	reader    reader
	rewinds   int // counts Rewinds, so that a read in progress notices
	handed    Position
	handouts  []handout // handed out and not Done
	waiting   bool      // Next waits for readable
	readable  chan struct{}
	lastTaken int64 // time of the last record handed out, unix nanoseconds

	// SetAside.
	asideMu sync.Mutex
	aside   file

	n counters

	stop       chan struct{}
	writerDone chan struct{}
	syncerDone chan struct{}
	finalErr   error // of the syncer, valid after syncerDone
	closeOnce  sync.Once
	closeErr   error
}

// Open takes possession of dir, creating it (mode 0700) if need be, and finds
// every record in it that was not Done. An error wraps [ErrLocked] when somebody
// else has the directory. Damage is no error: see [Stats].
func Open(dir string, o Options) (*Journal, error) {
	o = o.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: cannot create %s: %w; check DATA_DIR and its owner", dir, err)
	}
	lock := flock.New(filepath.Join(dir, lockName))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("journal: cannot lock %s: %w; check DATA_DIR and its owner", lock.Path(), err)
	case !ok:
		return nil, fmt.Errorf("journal: %s is %w: stop that one, or give this one a DATA_DIR of its own", dir, ErrLocked)
	}
	j := &Journal{
		dir: dir, o: o, fs: o.fs, log: o.Logger, lock: lock,
		pending: new(batch), spare: new(batch),
		syncNow: make(chan struct{}, 1), readable: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		stop: make(chan struct{}), writerDone: make(chan struct{}), syncerDone: make(chan struct{}),
	}
	j.work.L = &j.mu
	j.waiters.New = newWaiter
	if err := j.recover(); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("journal: open %s: %w", dir, err)
	}
	j.watchdog = time.AfterFunc(time.Hour, j.watch)
	j.syncTimer = time.AfterFunc(time.Hour, j.wakeSyncer)
	j.watchdog.Stop()
	j.syncTimer.Stop()
	go j.writeLoop()
	go j.syncLoop()
	return j, nil
}

// Seal ends appending: from now on Append and Commit return ErrClosed, and Next
// returns [io.EOF] when it has handed out what there is. It does not wait.
func (j *Journal) Seal() {
	j.mu.Lock()
	j.sealed = true
	j.work.Broadcast()
	j.mu.Unlock()
	j.signalReader()
}

// Close seals the journal, writes and fsyncs what was accepted (it does not
// fsync with SyncNever), deletes the segments if everything is Done, and gives
// up the directory. Records that are not Done stay for the next Open. Should the
// disk not answer within 10 s, Close returns an error wrapping ErrStalled and
// keeps the directory locked, for the process to exit. Only the first call acts;
// all return its error.
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

// release runs last, when nobody writes any more.
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
	errs = append(errs, j.removeSegments(victims))
	j.signalReader()
	j.turn <- struct{}{} // after a Next that is still reading
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
