package journal

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faultFS is the real file system with faults. A nil function is no fault.
type faultFS struct {
	osFS
	mu     sync.Mutex
	write  func(f file, p []byte) (int, error)
	sync   func(name string) error // before the real one
	cut    func() error
	read   func(off int64) error
	unlink func() error

	syncs atomic.Int64
}

func (fs *faultFS) set(change func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	change()
}

func (fs *faultFS) create(name string) (file, error) {
	f, err := fs.osFS.create(name)
	if err != nil {
		return nil, err
	}
	return &faultFile{f, fs, filepath.Base(name)}, nil
}

func (fs *faultFS) remove(name string) error {
	fs.mu.Lock()
	fault := fs.unlink
	fs.mu.Unlock()
	if fault != nil {
		if err := fault(); err != nil {
			return err
		}
	}
	return fs.osFS.remove(name)
}

func (fs *faultFS) syncDir(name string) error {
	if err := fs.syncing("dir"); err != nil {
		return err
	}
	return fs.osFS.syncDir(name)
}

func (fs *faultFS) syncing(name string) error {
	fs.syncs.Add(1)
	fs.mu.Lock()
	fault := fs.sync
	fs.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(name)
}

func (fs *faultFS) open(name string) (readFile, error) {
	f, err := fs.osFS.open(name)
	if err != nil {
		return nil, err
	}
	return &faultReader{f, fs}, nil
}

type faultReader struct {
	readFile
	fs *faultFS
}

func (f *faultReader) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	fault := f.fs.read
	f.fs.mu.Unlock()
	if fault != nil {
		if err := fault(off); err != nil {
			return 0, err
		}
	}
	return f.readFile.ReadAt(p, off)
}

type faultFile struct {
	file
	fs   *faultFS
	name string
}

func (f *faultFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	fault := f.fs.write
	f.fs.mu.Unlock()
	if fault != nil {
		return fault(f.file, p)
	}
	return f.file.Write(p)
}

func (f *faultFile) Sync() error {
	if err := f.fs.syncing(f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultFile) Truncate(n int64) error {
	f.fs.mu.Lock()
	fault := f.fs.cut
	f.fs.mu.Unlock()
	if fault != nil {
		if err := fault(); err != nil {
			return err
		}
	}
	return f.file.Truncate(n)
}

func TestFault_WriteError(t *testing.T) {
	half := func(err error) func(file, []byte) (int, error) {
		return func(f file, p []byte) (int, error) {
			n, _ := f.Write(p[:len(p)/2])
			return n, err
		}
	}
	fail := func() error { return syscall.EIO }
	for name, c := range map[string]struct {
		write    func(file, []byte) (int, error)
		cut, rem func() error
		want     error
	}{
		"disk full":                            {write: half(syscall.ENOSPC), want: syscall.ENOSPC},
		"short write":                          {write: half(nil), want: io.ErrShortWrite},
		"disk full and nothing can be cut off": {write: half(syscall.ENOSPC), cut: fail, rem: fail, want: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fs := &faultFS{}
			j := open(t, dir, Options{fs: fs})
			add(t, j, numbered(0, 3)...)
			fs.set(func() { fs.write, fs.cut, fs.unlink = c.write, c.cut, c.rem })
			for range 3 {
				if _, err := j.Append([]byte("refused by the disk")); !errors.Is(err, c.want) {
					t.Fatalf("Append returns the disk's error: %v", err)
				}
				if _, err := j.Commit([]byte("refused by the disk")); !errors.Is(err, c.want) {
					t.Fatalf("Commit returns the disk's error: %v", err)
				}
			}
			if s := j.Stats(); s.WriteErrors != 6 || s.Appended != 3 || s.Pending != 3 {
				t.Fatalf("failed writes are counted, and nothing is pending of them: %+v", s)
			}
			fs.set(func() { fs.write, fs.cut, fs.unlink = nil, nil, nil })
			add(t, j, numbered(3, 6)...)
			got, end := rest(t, j)
			want(t, "appending works again once the disk has room, and what was acknowledged is there", got, numbered(0, 6))
			closeNow(t, j)

			j = open(t, dir, Options{})
			got, end = rest(t, j)
			want(t, "the same after a restart", got, numbered(0, 6))
			if s := j.Stats(); c.cut == nil && s.DamagedBytes != 0 {
				t.Fatalf("a partial frame is cut off: %+v", s)
			}
			if err := j.Done(end); err != nil {
				t.Fatal(err)
			}
			closeNow(t, j)
			if left := segments(t, dir); len(left) != 0 {
				t.Fatalf("%v", left)
			}
		})
	}
}

func TestFault_Remove(t *testing.T) {
	dir := t.TempDir()
	fs := &faultFS{unlink: func() error { return syscall.EIO }}
	j := open(t, dir, Options{fs: fs, SegmentBytes: 100})
	add(t, j, numbered(0, 10)...)
	b, err := j.Next(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Done(b.End); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Done returns that a file could not be deleted: %v", err)
	}
	fs.set(func() { fs.unlink = nil })
	if err := j.Done(b.End); err != nil {
		t.Fatal(err)
	}
	if s, left := j.Stats(), segments(t, dir); s.Segments > 1 || len(left) != s.Segments {
		t.Fatalf("the next Done deletes it: %+v %v", s, left)
	}
}

func TestFault_Sync(t *testing.T) {
	for _, policy := range []time.Duration{0, SyncAlways, SyncNever} {
		for _, where := range []string{"file", "dir"} {
			t.Run(policy.String()+"/"+where, func(t *testing.T) {
				dir := t.TempDir()
				fs := &faultFS{}
				j := open(t, dir, Options{fs: fs, Sync: policy})
				add(t, j, numbered(0, 3)...)
				if _, err := j.Commit([]byte("record 3")); err != nil {
					t.Fatal(err)
				}
				add(t, j, numbered(4, 6)...)
				first := segments(t, dir)[0]
				// From here on nothing that goes to the first segment arrives, as
				// when the kernel drops the pages it could not write.
				failed := false
				fs.set(func() {
					fs.write = func(f file, p []byte) (int, error) {
						if len(segments(t, dir)) == 1 {
							return len(p), nil
						}
						return f.Write(p)
					}
					fs.sync = func(name string) error {
						isDir := name == "dir"
						if !failed && (!isDir || where == "dir") {
							failed = true
							return syscall.EIO
						}
						return nil
					}
				})
				if where == "dir" {
					j.mu.Lock()
					j.dirDirty = true
					j.mu.Unlock()
				}
				if _, err := j.Commit([]byte("record 6")); err != nil {
					t.Fatalf("a failed fsync is repaired by writing the records to a new segment: %v", err)
				}
				if s := j.Stats(); s.SyncErrors != 1 || len(segments(t, dir)) != 2 {
					t.Fatalf("a failed fsync is counted and begins a new segment: %+v %v (first %s)", s, segments(t, dir), first)
				}
				fs.set(func() { fs.write, fs.sync = nil, nil })
				add(t, j, "record 7")
				got, _ := rest(t, j)
				want(t, "nothing is lost or doubled by a failed fsync", got, numbered(0, 8))
				closeNow(t, j)
				j = open(t, dir, Options{})
				got, _ = rest(t, j)
				want(t, "nor after a restart", got, numbered(0, 8))
			})
		}
	}
}

func TestFault_SyncFailsForGood(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		broken := func(string) error { return syscall.EIO }
		fs.sync = broken
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Commit([]byte("not synced")); !errors.Is(err, syscall.EIO) {
			t.Fatalf("Commit never reports success without an fsync: %v", err)
		}
		add(t, j, numbered(0, 5)...) // the kernel has them
		time.Sleep(time.Second)
		if s := j.Stats(); s.SyncErrors < 3 || s.Segments != 1 {
			t.Fatalf("it is tried again, and leaves no files behind: %+v", s)
		}
		fs.set(func() { fs.sync = nil })
		time.Sleep(time.Second)
		errs := j.Stats().SyncErrors
		if _, err := j.Commit([]byte("record 5")); err != nil {
			t.Fatalf("Commit works again once the disk does: %v", err)
		}
		if n := j.Stats().SyncErrors; n != errs || j.retained.size != 0 {
			t.Fatalf("the repair is over: %d errors, %d before; %d bytes retained", n, errs, j.retained.size)
		}
		got, _ := rest(t, j)
		want(t, "and all is there", got, append([]string{"not synced"}, numbered(0, 6)...))
		closeNow(t, j)
	})
}

// blockable stalls writes or fsyncs until released.
func blockable() (stall func(), release func()) {
	gate := make(chan struct{})
	return func() { <-gate }, sync.OnceFunc(func() { close(gate) })
}

func TestFault_Stall(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		add(t, j, "before")
		stall, release := blockable()
		defer release()
		fs.set(func() {
			fs.write = func(f file, p []byte) (int, error) { stall(); return f.Write(p) }
		})
		took := func(call func(...[]byte) (Position, error), record string) time.Duration {
			begin := time.Now()
			if _, err := call([]byte(record)); !errors.Is(err, ErrStalled) {
				t.Errorf("a stalled write is ErrStalled: %v", err)
			}
			return time.Since(begin)
		}
		var commit time.Duration
		var wg sync.WaitGroup
		wg.Go(func() {
			if d := took(j.Append, "stalled"); d != 50*time.Millisecond {
				t.Errorf("Append returns at its limit: %v", d)
			}
		})
		synctest.Wait()
		time.Sleep(30 * time.Millisecond)
		wg.Go(func() { commit = took(j.Commit, "control") })
		synctest.Wait()
		wg.Go(func() {
			if d := took(j.Append, "queued behind it"); d > 50*time.Millisecond {
				t.Errorf("Append behind a stalled write returns within its limit: %v", d)
			}
		})
		time.Sleep(30 * time.Millisecond)
		for range 3 {
			if d := took(j.Append, "later"); d != 0 {
				t.Errorf("while the disk is stalled Append returns at once: %v", d)
			}
		}
		wg.Wait()
		if commit != 2*time.Second {
			t.Errorf("Commit returns at its own limit: %v", commit)
		}
		if d := took(j.Commit, "later"); d != 0 {
			t.Errorf("and later ones at once: %v", d)
		}
		if n := j.Stats().Stalled; n != 7 {
			t.Errorf("unacknowledged records are counted: %d, want 7", n)
		}
		release()
		synctest.Wait()
		add(t, j, "after")
		if _, err := j.Commit([]byte("committed")); err != nil {
			t.Errorf("Commit works again when the disk does: %v", err)
		}
		got, _ := rest(t, j)
		want(t, "what stalled is written in the end, in order; what was turned away at once is not", got,
			[]string{"before", "stalled", "control", "queued behind it", "after", "committed"}[:len(got)])
		if len(got) != 6 {
			t.Errorf("%q", got)
		}
		closeNow(t, j)
	})
}

func TestFault_StalledSync(t *testing.T) {
	for _, policy := range []time.Duration{0, SyncAlways} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				fs := &faultFS{}
				j, err := Open(dir, Options{fs: fs, Logger: quiet, Sync: policy})
				if err != nil {
					t.Fatal(err)
				}
				add(t, j, "before")
				stall, release := blockable()
				defer release()
				fs.set(func() { fs.sync = func(string) error { stall(); return nil } })
				begin := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := j.Commit([]byte("control")); !errors.Is(err, ErrStalled) || time.Since(begin) != 2*time.Second {
						t.Errorf("Commit waits 2 s for its fsync: %v %v", err, time.Since(begin))
					}
				})
				synctest.Wait()
				for range 3 {
					_, err := j.Append([]byte("tracking"))
					if policy == 0 && err != nil {
						t.Errorf("Append does not wait for an fsync: %v", err)
					}
					if policy == SyncAlways && (!errors.Is(err, ErrStalled) || time.Since(begin) != 50*time.Millisecond) {
						t.Errorf("with SyncAlways Append waits for its limit, and no longer afterwards: %v %v", err, time.Since(begin))
					}
				}
				wg.Wait()
				release()
				synctest.Wait()
				add(t, j, "after")
				if _, err := j.Commit([]byte("control")); err != nil {
					t.Errorf("Commit works again when the disk does: %v", err)
				}
				closeNow(t, j)
			})
		})
	}
}

func TestFault_CloseStalls(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		stall, release := blockable()
		fs.set(func() { fs.write = func(f file, p []byte) (int, error) { stall(); return f.Write(p) } })
		_, _ = j.Append([]byte("stalled"))
		if err := j.Close(); !errors.Is(err, ErrStalled) {
			t.Errorf("Close does not wait for ever: %v", err)
		}
		if _, err := Open(dir, Options{Logger: quiet}); !errors.Is(err, ErrLocked) {
			t.Errorf("nor does it give up the directory while a write is under way: %v", err)
		}
		release()
		synctest.Wait()
	})
}

func TestJournal_Sync(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			policy                time.Duration
			atOnce, later, commit int64 // fsyncs, of file and directory
		}{
			{SyncAlways, 2, 2, 3},
			{0, 0, 2, 3},
			{time.Second, 0, 0, 2},
			{SyncNever, 0, 0, 2},
		} {
			fs := &faultFS{}
			j, err := Open(dir, Options{fs: fs, Logger: quiet, Sync: c.policy})
			if err != nil {
				t.Fatal(err)
			}
			add(t, j, "a")
			synctest.Wait()
			if n := fs.syncs.Load(); n != c.atOnce {
				t.Errorf("%v: %d fsyncs when Append returns, want %d", c.policy, n, c.atOnce)
			}
			time.Sleep(200 * time.Millisecond)
			synctest.Wait()
			if n := fs.syncs.Load(); n != c.later {
				t.Errorf("%v: %d fsyncs after 200 ms, want %d", c.policy, n, c.later)
			}
			if _, err := j.Commit([]byte("b")); err != nil {
				t.Error(err)
			}
			if n := fs.syncs.Load(); n != c.commit {
				t.Errorf("%v: %d fsyncs when Commit returns, want %d", c.policy, n, c.commit)
			}
			closeNow(t, j)
		}
	})
}

func TestJournal_Oldest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(dir, Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		oldest := func(rule string, want time.Duration) {
			t.Helper()
			if s := j.Stats(); s.Oldest.Sub(begin) != want {
				t.Errorf("%s: %v, want %v", rule, s.Oldest.Sub(begin), want)
			}
		}
		time.Sleep(time.Minute)
		add(t, j, "a")
		time.Sleep(time.Minute)
		add(t, j, "b")
		oldest("what nobody took is as old as its first record", time.Minute)
		b, _ := j.Next(t.Context(), 0, 0)
		oldest("also when handed out", time.Minute)
		_ = j.Done(b.End)
		time.Sleep(time.Minute)
		add(t, j, "c")
		oldest("after Done the next record counts", 3*time.Minute)
		closeNow(t, j)
		if j, err = Open(dir, Options{Logger: quiet}); err != nil {
			t.Fatal(err)
		}
		oldest("a replay is as old as its records", time.Minute) // the segment still has a and b
		closeNow(t, j)
	})
}

func TestFault_StallThenError(t *testing.T) {
	for _, policy := range []time.Duration{0, SyncAlways, SyncNever} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				fs := &faultFS{}
				j, err := Open(dir, Options{fs: fs, Logger: quiet, Sync: policy})
				if err != nil {
					t.Fatal(err)
				}
				stall, release := blockable()
				defer release()
				fs.write = func(file, []byte) (int, error) { stall(); return 0, syscall.EIO }
				if _, err := j.Commit([]byte("a")); !errors.Is(err, ErrStalled) {
					t.Error(err)
				}
				if _, err := j.Append([]byte("b")); !errors.Is(err, ErrStalled) {
					t.Error(err)
				}
				release()
				synctest.Wait()
				fs.set(func() { fs.write = nil })
				if _, err := j.Commit([]byte("c")); err != nil {
					t.Errorf("a stall that ended in an error is over: %v", err)
				}
				if _, err := j.Append([]byte("d")); err != nil {
					t.Errorf("a stall that ended in an error is over: %v", err)
				}
				closeNow(t, j)
			})
		})
	}
}

// While fsync hangs, Append goes on for as long as what would have to be written
// again fits in the memory set apart for it.
func TestFault_Bounds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		stall, release := blockable()
		defer release()
		fs.set(func() { fs.sync = func(string) error { stall(); return nil } })
		record := make([]byte, MaxRecord)
		n := 0
		for err == nil && n < 100 {
			if _, err = j.Append(record); err == nil {
				n++
			}
		}
		if !errors.Is(err, ErrStalled) || n != maxRetained/MaxRecord {
			t.Errorf("Append stalls when %d bytes are not synced: after %d MiB: %v", maxRetained, n, err)
		}
		release()
		synctest.Wait()
		for range 20 {
			add(t, j, string(record))
			synctest.Wait()
		}
		if got, _ := rest(t, j); len(got) != n+1+20 {
			t.Errorf("what stalled is written in the end: %d records, want %d", len(got), n+21)
		}
		closeNow(t, j)
	})
}

// Behind a write that hangs no more than MaxCall bytes gather.
func TestFault_PendingIsBounded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		stall, release := blockable()
		fs.set(func() { fs.write = func(f file, p []byte) (int, error) { stall(); return f.Write(p) } })
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = j.Append([]byte("stalled")) })
		synctest.Wait()
		begin := time.Now()
		var atOnce atomic.Int64
		for range 20 {
			wg.Go(func() {
				if _, err := j.Append(make([]byte, MaxRecord)); !errors.Is(err, ErrStalled) {
					t.Error(err)
				} else if time.Since(begin) == 0 {
					atOnce.Add(1)
				}
			})
		}
		wg.Wait()
		if n := atOnce.Load(); n != 13 { // 7 of them fit, with their headers
			t.Errorf("what no longer fits is refused at once: %d of 20, want 13", n)
		}
		release()
		synctest.Wait()
		closeNow(t, j)
	})
}

func TestFault_Read(t *testing.T) {
	dir := t.TempDir()
	fs := &faultFS{}
	j := open(t, dir, Options{fs: fs, SegmentBytes: 1 << 30})
	long := strings.Repeat("x", readAhead) // so that the rest is read from the disk again
	add(t, j, "a", long, long)
	fs.set(func() {
		fs.read = func(off int64) error {
			if off > 0 {
				return syscall.EIO
			}
			return nil
		}
	})
	b, err := j.Next(t.Context(), 1, 0)
	if err != nil || string(b.Records[0]) != "a" {
		t.Fatalf("what can be read is handed out: %v", err)
	}
	if _, err := j.Next(t.Context(), 1, 0); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a read error is returned: %v", err)
	}
	fs.set(func() { fs.read = nil })
	b, err = j.Next(t.Context(), 1, 0)
	if err != nil || string(b.Records[0]) != long {
		t.Fatalf("a read error that goes away costs nothing: %v", err)
	}
	fs.set(func() { fs.read = func(int64) error { return syscall.EIO } })
	for range maxReadFailures - 1 {
		if _, err := j.Next(t.Context(), 1, 0); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() {
		b, err := j.Next(t.Context(), 1, 0)
		if err == nil && string(b.Records[0]) != "next" {
			err = errors.New("not the record appended last")
		}
		done <- errors.Join(err, j.Done(b.End))
	}()
	j.mu.Lock()
	waiting := j.waiting
	j.mu.Unlock()
	for !waiting { // until the reader has given up the rest of the segment
		time.Sleep(time.Millisecond)
		j.mu.Lock()
		waiting = j.waiting
		j.mu.Unlock()
	}
	fs.set(func() { fs.read = nil })
	add(t, j, "next")
	if err := <-done; err != nil {
		t.Fatalf("what cannot be read does not hold up the rest: %v", err)
	}
	if s := j.Stats(); s.DamagedBytes != headerSize+readAhead || s.Pending != 0 {
		t.Fatalf("it is counted: %+v", s)
	}
	closeNow(t, j)
	if kept, _ := filepath.Glob(filepath.Join(dir, asideName, "*"+segmentSuffix)); len(kept) != 1 {
		t.Fatalf("a segment that could not be read is not deleted but set aside: %v", kept)
	}
}

func TestFault_ReadAtOpen(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentBytes: 100})
	add(t, j, numbered(0, 10)...)
	closeNow(t, j)
	reads := 0
	fs := &faultFS{}
	fs.read = func(int64) error {
		if reads++; reads == 1 {
			return syscall.EIO
		}
		return nil
	}
	j = open(t, dir, Options{fs: fs})
	got, end := rest(t, j)
	if len(got) < 6 || got[len(got)-1] != "record 9" {
		t.Fatalf("a segment that cannot be read does not cost the others: %q", got)
	}
	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, asideName, "*"+segmentSuffix)); len(kept) != 1 {
		t.Fatalf("it is not deleted but set aside: %v", kept)
	}
}
