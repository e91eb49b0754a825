package journal

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

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
				// From here on nothing written to the first segment reaches the
				// disk, as when the kernel drops the pages that it could not
				// write.
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

func TestFault_CommitDuringSync(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fs := &faultFS{}
		j, err := Open(dir, Options{fs: fs, Logger: quiet, Sync: SyncNever})
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		var files atomic.Int64
		fs.set(func() {
			fs.sync = func(name string) error {
				if name != "dir" {
					files.Add(1)
					<-gate
				}
				return nil
			}
		})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := j.Commit([]byte("control")); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // the second is written while the first is being synced
		}
		gate <- struct{}{}
		synctest.Wait()
		add(t, j, "tracking")
		gate <- struct{}{}
		wg.Wait()
		synctest.Wait()
		if n := files.Load(); n != 2 {
			t.Errorf("a Commit is answered by an fsync that began after its write: %d fsyncs, want 2", n)
		}
		if j.retained.size != 0 {
			t.Errorf("with SyncNever nothing is retained when nobody waits: %d bytes", j.retained.size)
		}
		closeNow(t, j)
	})
}

func TestFault_AppendDuringFailingSync(t *testing.T) {
	for _, policy := range []time.Duration{0, SyncAlways, SyncNever} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				fs := &faultFS{}
				j, err := Open(dir, Options{fs: fs, Logger: quiet, Sync: policy})
				if err != nil {
					t.Fatal(err)
				}
				add(t, j, "before")
				synctest.Wait()
				gate := make(chan error, 10)
				fs.set(func() { fs.sync = func(string) error { return <-gate } })
				var wg sync.WaitGroup
				for _, call := range []func(...[]byte) (Position, error){j.Commit, j.Append} {
					wg.Go(func() {
						if _, err := call([]byte("during")); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				gate <- syscall.EIO
				close(gate)
				wg.Wait()
				synctest.Wait()
				add(t, j, "after")
				got, _ := rest(t, j)
				want(t, "what is appended while an fsync fails is not lost with it", got, []string{"before", "during", "during", "after"})
				closeNow(t, j)
				if j, err = Open(dir, Options{Logger: quiet}); err != nil {
					t.Fatal(err)
				}
				got, _ = rest(t, j)
				want(t, "nor after a restart", got, []string{"before", "during", "during", "after"})
				closeNow(t, j)
			})
		})
	}
}
