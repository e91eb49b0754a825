package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet
	}
	if o.Stall == 0 {
		o.Stall = 5 * time.Second // the machine that runs the tests may be busy
	}
	j, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open must succeed on whatever an earlier process left: %v", err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func add(t testing.TB, j *Journal, records ...string) Position {
	t.Helper()
	var pos Position
	for _, r := range records {
		p, err := j.Append([]byte(r))
		if err != nil {
			t.Fatalf("Append must succeed while the disk works: %v", err)
		}
		if p <= pos {
			t.Fatalf("positions must rise: %d after %d", p, pos)
		}
		pos = p
	}
	return pos
}

func closeNow(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close must succeed while the disk works: %v", err)
	}
}

// rest seals the journal and returns everything that Next still hands out.
func rest(t testing.TB, j *Journal) (records []string, end Position) {
	t.Helper()
	j.Seal()
	for {
		b, err := j.Next(t.Context(), 7, 0)
		if errors.Is(err, io.EOF) {
			return records, end
		}
		if err != nil {
			t.Fatalf("Next of a sealed journal must end with io.EOF: %v", err)
		}
		for _, r := range b.Records {
			records = append(records, string(r))
		}
		end = b.End
	}
}

func numbered(from, to int) (records []string) {
	for i := from; i < to; i++ {
		records = append(records, fmt.Sprintf("record %d", i))
	}
	return records
}

func want(t testing.TB, rule string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\n got %q\nwant %q", rule, got, want)
	}
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestJournal_RoundTrip(t *testing.T) {
	for _, policy := range []time.Duration{0, SyncAlways, SyncNever} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "journal")
			j := open(t, dir, Options{Sync: policy, SegmentBytes: 300})
			all := append(numbered(0, 50), "", strings.Repeat("x", MaxRecord))
			add(t, j, all...)
			if _, err := j.Commit([]byte("two"), []byte("at once")); err != nil {
				t.Fatal(err)
			}
			all = append(all, "two", "at once")
			got, end := rest(t, j)
			want(t, "records come out whole and in the order they went in", got, all)
			closeNow(t, j)

			j = open(t, dir, Options{Sync: policy})
			if s := j.Stats(); s.Replay != uint64(len(all)) || s.Pending != s.Replay || s.Oldest.IsZero() {
				t.Fatalf("what was not Done is pending after the next Open: %+v", s)
			}
			got, end2 := rest(t, j)
			want(t, "what was not Done is handed out again after the next Open", got, all)
			if end2 != end {
				t.Fatalf("a record keeps its number: %d, was %d", end2, end)
			}
			if err := j.Done(end2); err != nil {
				t.Fatal(err)
			}
			if s := j.Stats(); s.Pending != 0 || !s.Oldest.IsZero() {
				t.Fatalf("nothing is pending after Done of everything: %+v", s)
			}
			closeNow(t, j)
			if left := segments(t, dir); len(left) > 0 {
				t.Fatalf("Close deletes the segments when everything is Done: %v", left)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Fatalf("the directory is private: %v %v", info.Mode(), err)
			}
		})
	}
}

func TestJournal_CopiesRecords(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	r := []byte("before")
	if _, err := j.Append(r); err != nil {
		t.Fatal(err)
	}
	copy(r, "after ")
	got, _ := rest(t, j)
	want(t, "the caller may use its bytes again after Append", got, []string{"before"})
}

func TestJournal_Limits(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	if _, err := j.Append(make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a record past MaxRecord is ErrTooLarge: %v", err)
	}
	if _, err := j.Append(slices.Repeat([][]byte{make([]byte, MaxRecord)}, 8)...); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a call past MaxCall is ErrTooLarge: %v", err)
	}
	first := add(t, j, "a")
	if pos, err := j.Append(); err != nil || pos != first {
		t.Fatalf("an empty Append does nothing: %d %v", pos, err)
	}
	if err := j.Done(first + 1); err == nil {
		t.Fatal("Done past the last record is a mistake and must be an error")
	}
	closeNow(t, j)
	if _, err := j.Append([]byte("b")); !errors.Is(err, ErrClosed) {
		t.Fatalf("Append after Close is ErrClosed: %v", err)
	}
	if err := j.Done(first); !errors.Is(err, ErrClosed) {
		t.Fatalf("Done after Close is ErrClosed: %v", err)
	}
	if err := j.SetAside(nil, ""); !errors.Is(err, ErrClosed) {
		t.Fatalf("SetAside after Close is ErrClosed: %v", err)
	}
	if _, err := j.Next(t.Context(), 1, 1); !errors.Is(err, ErrClosed) {
		t.Fatalf("Next after Close, with records left, is ErrClosed: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatalf("a second Close returns what the first did: %v", err)
	}
}

func TestJournal_GroupCommit(t *testing.T) {
	const writers, each = 64, 40
	for _, policy := range []time.Duration{0, SyncAlways} {
		t.Run(policy.String(), func(t *testing.T) {
			j := open(t, t.TempDir(), Options{Sync: policy, SegmentBytes: 20_000})
			type placed struct {
				pos    Position
				record string
			}
			var mu sync.Mutex
			var all []placed
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					var last Position
					for i := range each {
						r := fmt.Sprintf("%d/%d", w, i)
						pos, err := j.Append([]byte(r))
						if err != nil || pos <= last {
							t.Errorf("append %s: %v; position %d after %d", r, err, pos, last)
							return
						}
						last = pos
						mu.Lock()
						all = append(all, placed{pos, r})
						mu.Unlock()
					}
				})
			}
			var got []string
			for len(got) < writers*each && !t.Failed() { // while they write
				b, err := j.Next(t.Context(), 100, 1000)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range b.Records {
					got = append(got, string(r))
				}
				if err := j.Done(b.End); err != nil {
					t.Fatal(err)
				}
			}
			wg.Wait()
			slices.SortFunc(all, func(a, b placed) int { return int(a.pos) - int(b.pos) })
			var order []string
			for _, p := range all {
				order = append(order, p.record)
			}
			want(t, "records come out once each, in the order of their positions", got, order)
			if s := j.Stats(); s.Pending != 0 || s.Appended != writers*each || s.Segments > 1 {
				t.Fatalf("after Done of everything at most the current segment is left: %+v", s)
			}
		})
	}
}

func TestJournal_Cap(t *testing.T) {
	const limit = 100_000
	j := open(t, t.TempDir(), Options{MaxBytes: limit})
	record := make([]byte, 1000-headerSize)
	n := 0
	var err error
	for ; err == nil && n < 200; n++ {
		_, err = j.Append(record)
	}
	if !errors.Is(err, ErrFull) || n != 91 {
		t.Fatalf("Append is refused past 90 %% of the cap: call %d: %v", n, err)
	}
	for n = 0; n < 10; n++ {
		if _, err := j.Commit(record); err != nil {
			t.Fatalf("Commit may use the last 10 %%: call %d: %v", n, err)
		}
	}
	if _, err := j.Commit(record); !errors.Is(err, ErrFull) {
		t.Fatalf("Commit is refused past the cap: %v", err)
	}
	if s := j.Stats(); s.Refused != 2 || s.Bytes != limit || s.Pending != 100 {
		t.Fatalf("refused records are counted and nothing held is dropped: %+v", s)
	}
	b, err := j.Next(t.Context(), 60, 0)
	if err != nil || len(b.Records) != 60 {
		t.Fatal(len(b.Records), err)
	}
	if err := j.Done(b.End); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(record); err != nil {
		t.Fatalf("Done makes room: %v %+v", err, j.Stats())
	}
	if got, _ := rest(t, j); len(got) != 41 {
		t.Fatalf("what was held is all there: %d records, want 41", len(got))
	}
}

func TestJournal_Done(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentBytes: 500})
	add(t, j, numbered(0, 100)...)
	before := len(segments(t, dir))
	b, err := j.Next(t.Context(), 50, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(segments(t, dir)) != before {
		t.Fatal("handing out deletes nothing: only Done does")
	}
	if err := j.Done(b.End - 20); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Pending != 70 {
		t.Fatalf("Done may end within a batch: %d pending, want 70", s.Pending)
	}
	if err := j.Done(b.End); err != nil {
		t.Fatal(err)
	}
	if after := len(segments(t, dir)); after >= before || after < 2 {
		t.Fatalf("Done deletes whole confirmed segments and no others: %d of %d left", after, before)
	}
	if s := j.Stats(); s.Pending != 50 || s.Segments != len(segments(t, dir)) {
		t.Fatalf("%+v", s)
	}
	closeNow(t, j)
	j = open(t, dir, Options{})
	got, _ := rest(t, j)
	if n := len(got); n < 50 || n >= 65 {
		t.Fatalf("a restart replays the unconfirmed and at most a segment more: %d", n)
	}
	want(t, "nothing unconfirmed is lost", got[len(got)-50:], numbered(50, 100))
}

func TestJournal_DoneRotates(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	record := make([]byte, 1000)
	for range sealWhenDone/1000 + 1 {
		if _, err := j.Append(record); err != nil {
			t.Fatal(err)
		}
	}
	b, err := j.Next(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // Done does not wait for the writer, so it may take a second one
		if err := j.Done(b.End); err != nil {
			t.Fatal(err)
		}
	}
	if left := segments(t, dir); len(left) != 0 {
		t.Fatalf("a large segment of which everything is Done goes, so that replays stay short: %v", left)
	}
	add(t, j, "next")
	got, _ := rest(t, j)
	want(t, "appending goes on in a new segment", got, []string{"next"})
}

func TestJournal_Rewind(t *testing.T) {
	j := open(t, t.TempDir(), Options{SegmentBytes: 100})
	add(t, j, numbered(0, 20)...)
	first, err := j.Next(t.Context(), 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = j.Next(t.Context(), 5, 0); err != nil {
		t.Fatal(err)
	}
	if err := j.Done(first.End); err != nil {
		t.Fatal(err)
	}
	j.Rewind()
	if s := j.Stats(); s.Pending != 15 {
		t.Fatalf("Rewind changes nothing about what is pending: %d, want 15", s.Pending)
	}
	got, end := rest(t, j)
	want(t, "Rewind hands out again what is not Done, and only that", got, numbered(5, 20))
	j.Rewind()
	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	got, _ = rest(t, j)
	want(t, "what is Done after a Rewind is not handed out", got, nil)
	if s := j.Stats(); s.Pending != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestJournal_NextBounds(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	add(t, j, "12345", "12345", "12345", "1234567890")
	for _, c := range []struct{ records, bytes, want int }{{1, 0, 1}, {0, 10, 2}, {0, 1, 1}} {
		b, err := j.Next(t.Context(), c.records, c.bytes)
		if err != nil || len(b.Records) != c.want {
			t.Fatalf("Next(%d, %d) must hand out %d: %d %v", c.records, c.bytes, c.want, len(b.Records), err)
		}
	}
}

func TestJournal_NextWaits(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(dir, Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := j.Next(ctx, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next returns ctx.Err() when ctx is done: %v", err)
		}
		got := make(chan string)
		go func() {
			defer close(got)
			for {
				b, err := j.Next(context.Background(), 10, 0)
				if err != nil {
					got <- err.Error()
					return
				}
				got <- string(b.Records[0])
				_ = j.Done(b.End)
			}
		}()
		synctest.Wait()
		for _, r := range []string{"one", "two"} {
			add(t, j, r)
			if g := <-got; g != r {
				t.Fatalf("a waiting Next gets what is appended: %q", g)
			}
		}
		synctest.Wait()
		j.Seal()
		if g := <-got; g != "EOF" {
			t.Fatalf("a waiting Next returns io.EOF when the journal is sealed and empty: %q", g)
		}
		closeNow(t, j)
	})
}

func TestJournal_Lock(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("a directory has one owner: %v", err)
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "stop that one") {
		t.Fatalf("the error names the path and the remedy: %v", err)
	}
	closeNow(t, j)
	closeNow(t, open(t, dir, Options{}))
}

func TestJournal_SetAside(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, asideName, recordsName)
	j := open(t, dir, Options{})
	refused := []string{`{"a":"<ü>"}`, "\xff\x00\xfe", ""}
	for _, r := range refused[:2] {
		if err := j.SetAside([]byte(r), "duplicate key"); err != nil {
			t.Fatal(err)
		}
	}
	closeNow(t, j)
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"time":"20`) // a crash in the middle of a line
	f.Close()

	j = open(t, dir, Options{})
	if err := j.SetAside([]byte(refused[2]), "too old"); err != nil {
		t.Fatal(err)
	}
	if n := j.Stats().SetAside; n != 3 {
		t.Fatalf("what is set aside is counted over restarts: %d, want 3", n)
	}
	f, err = os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var line asideRecord
		if json.Unmarshal(sc.Bytes(), &line) != nil {
			continue // the torn one
		}
		r := line.Base64
		if line.Record != nil {
			r = []byte(*line.Record)
		}
		if sum := fmt.Sprintf("%08x", checksum(r)); sum != line.CRC32C || line.Reason == "" || line.Time.IsZero() {
			t.Fatalf("a line has the record's checksum, the reason and the time: %s", sc.Text())
		}
		got = append(got, string(r))
	}
	want(t, "what is set aside can be read back, also after a torn line", got, refused)
	if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
		t.Fatalf("files are private: %v", info.Mode())
	}
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
