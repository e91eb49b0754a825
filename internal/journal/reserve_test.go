package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const testReserve = 64 << 10

func fullDisk() *faultFS {
	return &faultFS{write: func(file, []byte) (int, error) { return 0, syscall.ENOSPC }}
}

func commit(t testing.TB, j *Journal, record string) {
	t.Helper()
	if _, err := j.Commit([]byte(record)); err != nil {
		t.Fatalf("commit %q: %v", record, err)
	}
}

func TestReserve_TakesControlFactsAloneOnAFullDisk(t *testing.T) {
	dir, disk := t.TempDir(), &faultFS{}
	j := open(t, dir, Options{fs: disk, ReserveBytes: testReserve})
	add(t, j, "view 0")
	commit(t, j, "order 0")
	disk.set(func() { disk.write = fullDisk().write })
	if _, err := j.Append([]byte("lost")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Append on a full disk: %v: the reserve is for control facts alone", err)
	}
	if _, err := j.CommitUnreserved([]byte("lost")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("CommitUnreserved on a full disk: %v: the reserve is not for what was handed out before", err)
	}
	for i := range 3 {
		commit(t, j, fmt.Sprint("order ", 1+i))
	}
	if s := j.Stats(); s.Reserved != 3 || s.Reserve >= testReserve {
		t.Errorf("what is in the reserve is counted: %+v", s)
	}
	if err := j.Check(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Check says %v while only the reserve takes records", err)
	}
	disk.set(func() { disk.write = nil })
	add(t, j, "view 1")
	disk.set(func() { disk.write = fullDisk().write })
	commit(t, j, "order 4")
	disk.set(func() { disk.write = nil })
	add(t, j, "view 2")
	all := []string{"view 0", "order 0", "order 1", "order 2", "order 3", "view 1", "order 4", "view 2"}

	copied := t.TempDir() // as after kill -9
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	got, end := rest(t, j)
	want(t, "records of the reserve and of segments are handed out in the order of their numbers", got, all)
	killed := open(t, copied, Options{ReserveBytes: testReserve})
	got, _ = rest(t, killed)
	want(t, "after a kill as well", got, all)
	if s := killed.Stats(); s.Gaps != 0 || s.DamagedBytes != 0 {
		t.Errorf("the reserve joins segments without a gap: %+v", s)
	}

	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	closeNow(t, j)
	data, err := os.ReadFile(filepath.Join(dir, reserveName))
	if err != nil || len(data) != testReserve || len(bytes.Trim(data, "\x00")) > 0 {
		t.Errorf("when its records are Done the reserve is filled with zeros: %d bytes, %v", len(data), err)
	}
	if left := segments(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestReserve_IsGivenBackWhileTheJournalIsInUse(t *testing.T) {
	disk := &faultFS{}
	j := open(t, t.TempDir(), Options{fs: disk, ReserveBytes: 3000})
	disk.set(func() { disk.write = fullDisk().write })
	record := strings.Repeat("x", 900)
	for range 3 {
		commit(t, j, record)
	}
	if _, err := j.Commit([]byte(record)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a control fact for which the reserve has no room gets %v, want the disk's error", err)
	}
	b, err := j.Next(t.Context(), 0, 0)
	if err != nil || len(b.Records) != 3 {
		t.Fatal(len(b.Records), err)
	}
	if err := j.Done(b.End); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); j.Stats().Reserve < 3000; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a reserve all of which is Done is not given back: %+v", j.Stats())
		}
	}
	commit(t, j, "again")
	got, _ := rest(t, j)
	want(t, "a reserve that was given back takes records again", got, []string{"again"})
}

// Orders, of which strangers may place many, leave room to logouts.
func TestReserve_CommitMostLeavesAQuarter(t *testing.T) {
	disk := &faultFS{}
	j := open(t, t.TempDir(), Options{fs: disk, ReserveBytes: 4000})
	disk.set(func() { disk.write = fullDisk().write })
	record := []byte(strings.Repeat("x", 1000-headerSize))
	for i := range 3 {
		if _, err := j.CommitMost(record); err != nil {
			t.Fatalf("order %d: %v", i+1, err)
		}
	}
	if _, err := j.CommitMost([]byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("an order that would use the last quarter: %v, want the disk's error", err)
	}
	commit(t, j, "logout")
	if s := j.Stats(); s.Reserved != 4 {
		t.Errorf("%d records are in the reserve, want 4", s.Reserved)
	}
}

// Of a batch for which there is no room each call gets the answer that is its own.
func TestReserve_ABatchIsAnsweredCallByCall(t *testing.T) {
	disk, gate := &faultFS{}, make(chan struct{})
	j := open(t, t.TempDir(), Options{fs: disk, ReserveBytes: 4000})
	full := func(file, []byte) (int, error) { return 0, syscall.ENOSPC }
	entered := make(chan struct{})
	var once sync.Once
	disk.set(func() {
		disk.write = func(f file, b []byte) (int, error) {
			once.Do(func() { close(entered); <-gate })
			return full(f, b)
		}
	})
	order := []byte(strings.Repeat("x", 2000-headerSize))
	first := make(chan error, 1)
	go func() { _, err := j.Commit([]byte("first")); first <- err }()
	<-entered
	type result struct {
		what string
		err  error
	}
	results := make(chan result, 3)
	call := func(what string, f func(...[]byte) (Position, error), record []byte) {
		last := j.Last()
		go func() { _, err := f(record); results <- result{what, err} }()
		for j.Last() == last {
			time.Sleep(time.Millisecond)
		}
	}
	call("order 1", j.CommitMost, order)
	call("order 2", j.CommitMost, order)
	call("logout", j.Commit, []byte("logout"))
	close(gate)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r := <-results
		if wanted := r.what == "order 2"; wanted != errors.Is(r.err, syscall.ENOSPC) || !wanted && r.err != nil {
			t.Errorf("%s: %v; there is room for the first order and the logout", r.what, r.err)
		}
	}
	got, _ := rest(t, j)
	want(t, "what was acknowledged is handed out", got, []string{"first", string(order), "logout"})
}

func TestReserve_IsContinuedByTheNextOpenOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	disk := &faultFS{}
	j := open(t, dir, Options{fs: disk, ReserveBytes: testReserve})
	disk.set(func() { disk.write = fullDisk().write })
	commit(t, j, "first\x00\x00\x00")
	closeNow(t, j)
	j = open(t, dir, Options{fs: fullDisk(), ReserveBytes: testReserve})
	commit(t, j, "second")
	closeNow(t, j)
	j = open(t, dir, Options{})
	got, _ := rest(t, j)
	want(t, "each start writes on after what the last one left", got, []string{"first\x00\x00\x00", "second"})
}

func TestReserve_TakesControlFactsBeyondTheCap(t *testing.T) {
	const limit = 100_000
	dir := t.TempDir()
	j := open(t, dir, Options{MaxBytes: limit, ReserveBytes: testReserve})
	record := make([]byte, 10_000-headerSize)
	for range 10 {
		if _, err := j.Commit(record); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, j, "beyond")
	if _, err := j.Append([]byte("a view")); !errors.Is(err, ErrFull) {
		t.Errorf("Append beyond the cap: %v", err)
	}
	if s := j.Stats(); s.Bytes != limit || s.Reserved != 1 {
		t.Errorf("the reserve is beside the cap: %+v", s)
	}
	b, err := j.Next(t.Context(), 0, 0)
	if err != nil || len(b.Records) != 11 || string(b.Records[10]) != "beyond" {
		t.Fatalf("%d records are handed out, %v", len(b.Records), err)
	}
	if err := j.Done(b.End); err != nil {
		t.Fatal(err)
	}
	add(t, j, "a view")
	got, _ := rest(t, j)
	want(t, "appending goes on", got, []string{"a view"})
}

func TestReserve_AnOpenOnAFullDiskMakesItLater(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, reserveName+".new"), 0o700); err != nil { // so that it cannot be made
		t.Fatal(err)
	}
	j := open(t, dir, Options{ReserveBytes: testReserve})
	if s := j.Stats(); s.ReserveProblem == nil || s.Reserve != 0 {
		t.Errorf("a reserve that could not be made: %+v", s)
	}
	if err := os.Remove(filepath.Join(dir, reserveName+".new")); err != nil {
		t.Fatal(err)
	}
	j.tendReserve()
	if s := j.Stats(); s.Reserve != testReserve {
		t.Errorf("it is made when there is room: %+v", s)
	}
}

// The numbers of a repair's records are below those in the reserve, and it is written
// after them.
func TestReserve_ARepairIsReadBeforeIt(t *testing.T) {
	disk := &faultFS{}
	dir := t.TempDir()
	j := open(t, dir, Options{fs: disk, Sync: SyncNever, ReserveBytes: testReserve})
	disk.set(func() { disk.sync = func(string) error { return syscall.EIO } })
	if _, err := j.Commit([]byte("not confirmed")); !errors.Is(err, syscall.EIO) {
		t.Fatalf("commit while fsync fails: %v", err)
	}
	disk.set(func() { disk.write = fullDisk().write })
	commit(t, j, "in the reserve")
	disk.set(func() { disk.write, disk.sync = nil, nil })
	if err := j.syncOnce(); err != nil {
		t.Fatal(err)
	}
	add(t, j, "after")
	got, _ := rest(t, j)
	want(t, "what a repair writes is handed out before what went to the reserve meanwhile", got, []string{"not confirmed", "in the reserve", "after"})
}

// A segment that was emptied, cut or taken away is noticed, and the rest handed out.
func TestOpen_AGapBetweenSegmentsIsCounted(t *testing.T) {
	written := func(t *testing.T) (dir string, files []string) {
		dir = t.TempDir()
		j := open(t, dir, Options{SegmentBytes: 100})
		for _, r := range numbered(10, 22) {
			add(t, j, r)
		}
		closeNow(t, j)
		if files = segments(t, dir); len(files) < 4 {
			t.Fatal(files)
		}
		return dir, files
	}
	lengths := func(name string) int { // records in a segment of this test
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size()) / (headerSize + len("record 10"))
	}
	for name, harm := range map[string]func(files []string) (missing int, err error){
		"emptied":    func(f []string) (int, error) { return lengths(f[1]), os.Truncate(f[1], 0) },
		"taken away": func(f []string) (int, error) { return lengths(f[1]), os.Remove(f[1]) },
		"cut": func(f []string) (int, error) {
			return 1, os.Truncate(f[1], int64((lengths(f[1])-1)*(headerSize+len("record 10"))))
		},
		"the first emptied":    func(f []string) (int, error) { return lengths(f[0]), os.Truncate(f[0], 0) },
		"the last one emptied": func(f []string) (int, error) { return 0, os.Truncate(f[len(f)-1], 0) },
		"all are whole":        func([]string) (int, error) { return -1, nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := written(t)
			last := lengths(files[len(files)-1])
			missing, err := harm(files)
			if err != nil {
				t.Fatal(err)
			}
			j := open(t, dir, Options{})
			s := j.Stats()
			if gaps := min(1, uint64(missing+1)); s.Gaps != gaps || s.Missing != uint64(max(missing, 0)) {
				t.Errorf("a segment %s: %d gaps of at most %d records are counted, want %d of %d", name, s.Gaps, s.Missing, gaps, missing)
			}
			lost := max(missing, 0)
			if name == "the last one emptied" {
				lost = last
			}
			if got, _ := rest(t, j); len(got) != 12-lost {
				t.Errorf("%d records are handed out, want the other %d", len(got), 12-lost)
			}
		})
	}
}

func TestOpen_NoGapWhereNumbersWereNeverWritten(t *testing.T) {
	dir, disk := t.TempDir(), &faultFS{}
	j := open(t, dir, Options{fs: disk, Sync: SyncNever})
	add(t, j, "a")
	disk.set(func() { disk.write = fullDisk().write })
	for range 5 {
		_, _ = j.Append([]byte("lost"))
	}
	disk.set(func() { disk.write = nil })
	add(t, j, "b")
	disk.set(func() { disk.sync = func(string) error { return syscall.EIO } })
	_, _ = j.Commit([]byte("c"))
	disk.set(func() { disk.sync = nil })
	if err := j.syncOnce(); err != nil {
		t.Fatal(err)
	}
	add(t, j, "d")
	closeNow(t, j)
	j = open(t, dir, Options{})
	if s := j.Stats(); s.Gaps != 0 {
		t.Errorf("writes that failed, and what was written again after a failed fsync, are no gap: %+v", s)
	}
	got, _ := rest(t, j)
	want(t, "all that was written", got, []string{"a", "b", "c", "d"})
}
