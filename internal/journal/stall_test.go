package journal

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

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
		want(t, "what stalled is written in the end, in order; a Commit that was turned away at once is not", got,
			[]string{"before", "stalled", "control", "queued behind it", "later", "later", "later", "after", "committed"})
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

// While fsync hangs, Append continues as long as the bytes that would have to be
// written again fit in the memory set apart for them.
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

// While a write hangs, at most MaxCall bytes are collected.
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
				_, err := j.Append(make([]byte, MaxRecord))
				if errors.Is(err, ErrFull) && time.Since(begin) == 0 {
					atOnce.Add(1)
				} else if !errors.Is(err, ErrStalled) {
					t.Error(err)
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

// Tracking facts that wait for a slow write leave room to control facts, as those in the
// journal do: an order is not refused because many page views came before it.
func TestFault_PendingLeavesRoomToControlFacts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		stall, release := blockable()
		fs.set(func() { fs.write = func(f file, p []byte) (int, error) { stall(); return f.Write(p) } })
		view, n := make([]byte, 1000), 0
		for err = nil; !errors.Is(err, ErrFull) && n < 20_000; n++ {
			_, err = j.Append(view)
		}
		if !errors.Is(err, ErrFull) {
			t.Fatalf("%d records wait for a write that hangs: %v", n, err)
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := j.Commit([]byte("order")); err != nil {
					t.Errorf("an order behind %d page views: %v", n, err)
				}
			})
		}
		time.Sleep(commitStall / 4)
		release()
		wg.Wait()
		closeNow(t, j)
	})
}

func TestFault_AppendAfterCommit(t *testing.T) {
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
		wg.Go(func() { _, _ = j.Commit([]byte("control")) })
		synctest.Wait()
		begin := time.Now()
		if _, err := j.Append([]byte("tracking")); !errors.Is(err, ErrStalled) || time.Since(begin) != 50*time.Millisecond {
			t.Errorf("Append keeps its own limit beside a Commit that may wait longer: %v %v", err, time.Since(begin))
		}
		release()
		wg.Wait()
		closeNow(t, j)
	})
}

// A late record that cannot be written when the disk answers is lost, and is
// counted as lost.
func TestFault_LateAndThenLost(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		var lost []string
		j, err := Open(dir, Options{fs: fs, Logger: quiet, Lost: func(record []byte) { lost = append(lost, string(record)) }})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		stall, release := blockable()
		defer release()
		fs.set(func() {
			fs.write = func(file, []byte) (int, error) { stall(); return 0, syscall.ENOSPC }
		})
		for i := range 3 { // the first waits, the others follow it
			if _, err := j.Append(fmt.Appendf(nil, "late %d", i)); !errors.Is(err, ErrStalled) {
				t.Fatalf("a stalled write is ErrStalled: %v", err)
			}
		}
		release()
		synctest.Wait()
		if _, err := j.Append([]byte("in time")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Append on a full disk: %v", err)
		}
		if s := j.Stats(); s.Stalled != 3 || s.LateLost != 3 || s.Pending != 0 {
			t.Errorf("%d were late, %d of them are lost, %d wait: want 3, 3 and none", s.Stalled, s.LateLost, s.Pending)
		}
		synctest.Wait()
		if want := []string{"late 0", "late 1", "late 2"}; !slices.Equal(lost, want) {
			t.Errorf("told that %q are lost, want %q: not the one whose caller knows", lost, want)
		}
	})
}
