package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// written returns the one segment that results from appending the records, its
// name and its bytes, and where each frame ends.
func written(t testing.TB, records ...string) (name string, data []byte, ends []int) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir, Options{Sync: SyncNever})
	end := 0
	for _, r := range records {
		add(t, j, r)
		end += headerSize + len(r)
		ends = append(ends, end)
	}
	closeNow(t, j)
	names := segments(t, dir)
	if len(names) != 1 {
		t.Fatalf("one segment expected: %v", names)
	}
	data, err := os.ReadFile(names[0])
	if err != nil || len(data) != end {
		t.Fatalf("a segment is nothing but its frames: %d bytes, want %d (%v)", len(data), end, err)
	}
	return filepath.Base(names[0]), data, ends
}

// openWith opens a directory that has these segments.
func openWith(t testing.TB, files map[string][]byte) (*Journal, string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir, Options{Sync: SyncNever, fs: lazyFS{}}), dir
}

func TestOpen_TornTail(t *testing.T) {
	records := append(numbered(0, 9), "the last record")
	name, data, ends := written(t, records...)
	whole := ends[len(ends)-2]
	for cut := whole; cut < len(data); cut++ {
		j, dir := openWith(t, map[string][]byte{name: data[:cut]})
		s := j.Stats()
		if s.Replay != 9 || s.DamagedBytes != int64(cut-whole) {
			t.Fatalf("cut at %d: the torn frame is damage and nothing else is: %+v", cut, s)
		}
		add(t, j, "after the crash")
		closeNow(t, j)

		j = open(t, dir, Options{Sync: SyncNever})
		got, end := rest(t, j)
		want(t, "every whole record, then what was appended after the torn tail", got, append(records[:9:9], "after the crash"))
		if err := j.Done(end); err != nil {
			t.Fatal(err)
		}
		closeNow(t, j)
		if left := segments(t, dir); len(left) != 0 {
			t.Fatalf("damage does not keep a segment from being deleted: %v", left)
		}
	}
}

func TestOpen_FlippedByte(t *testing.T) {
	records := []string{"first", "", "third record", "fourth"}
	name, data, ends := written(t, records...)
	for at := range data {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			hit, _ := slices.BinarySearch(ends, at+1)
			bad := bytes.Clone(data)
			bad[at] ^= flip
			j, dir := openWith(t, map[string][]byte{name: bad})
			got, _ := rest(t, j)
			want(t, "a flipped byte costs the record it is in and no other", got, slices.Delete(slices.Clone(records), hit, hit+1))
			if s := j.Stats(); s.DamagedSegments != 1 || s.DamagedBytes != int64(headerSize+len(records[hit])) {
				t.Fatalf("damage is counted: %+v", s)
			}
			closeNow(t, j)
			aside, err := os.ReadFile(filepath.Join(dir, asideName, strings.TrimSuffix(name, segmentSuffix)+damagedSuffix))
			if err != nil || !bytes.Contains(aside, bad[ends[hit]-headerSize-len(records[hit]):ends[hit]]) {
				t.Fatalf("damaged bytes are set aside: %q %v", aside, err)
			}
		}
	}
}

func TestOpen_FlippedWhileRunning(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{Sync: SyncNever})
	add(t, j, numbered(0, 10)...)
	name := segments(t, dir)[0]
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[5*(headerSize+8)+3] ^= 1
	data[len(data)-1] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, end := rest(t, j)
	want(t, "damage that appears under a running journal is passed over as well", got,
		slices.Delete(numbered(0, 9), 5, 6))
	if s := j.Stats(); s.DamagedBytes != 2*(headerSize+8) || s.DamagedSegments != 1 {
		t.Fatalf("%+v", s)
	}
	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Pending != 0 {
		t.Fatalf("records that are lost are not pending: %+v", s)
	}
}

func TestOpen_Zeros(t *testing.T) {
	name, data, _ := written(t, numbered(0, 5)...)
	for _, zeros := range []int{1, headerSize, 4096, 100_000} {
		j, dir := openWith(t, map[string][]byte{name: append(bytes.Clone(data), make([]byte, zeros)...)})
		got, _ := rest(t, j)
		want(t, "a tail of zeros is no record", got, numbered(0, 5))
		if _, err := os.Stat(filepath.Join(dir, asideName)); err == nil {
			t.Fatal("zeros are not worth setting aside")
		}
	}
}

func TestOpen_HugeLengthsAreCheap(t *testing.T) {
	// Every byte offset looks like the header of a long frame: looking for the
	// next frame must not read each of them to its end.
	name, data, ends := written(t, "first", "last")
	fake := appendFrame(nil, 1, 0, 0, nil)
	fake[5], fake[6] = 0xff, 0x0f
	bad := slices.Concat(data[:ends[0]], bytes.Repeat(fake, 1<<20/len(fake)))
	j, _ := openWith(t, map[string][]byte{name: bad})
	got, _ := rest(t, j)
	want(t, "what is before garbage is found", got, []string{"first"})
}

func TestOpen_StaleAndShiftedFrames(t *testing.T) {
	name, data, ends := written(t, "one", "two", "six")
	other, stale, _ := written(t, "one", "two", "six")
	base, _, _ := strings.Cut(name, "-")
	if name == other || !strings.HasPrefix(other, base) {
		t.Fatalf("two segments have different salts: %s %s", name, other)
	}
	for rule, file := range map[string][]byte{
		"a frame left over from another segment is not accepted":   slices.Concat(data[:ends[1]], stale[ends[1]:]),
		"a frame that has moved is not accepted":                   slices.Concat(data[:ends[1]], []byte{0}, data[ends[1]:]),
		"a frame that is in a segment twice is not accepted twice": slices.Concat(data[:ends[1]], data[ends[0]:ends[1]]),
	} {
		j, _ := openWith(t, map[string][]byte{name: file})
		got, _ := rest(t, j)
		want(t, rule, got, []string{"one", "two"})
	}
}

func TestOpen_TwoCopies(t *testing.T) {
	// After a failed fsync records 3.. were written again to a second segment, and
	// the process died before the first was cut. Both are damaged, differently.
	name, data, ends := written(t, numbered(0, 10)...)
	_, salt, _ := parseSegmentName(name)
	second := segmentName(4, salt+1)
	again := bytes.Clone(data[ends[2]:])
	sign(again, salt+1, 0)

	data[ends[4]-1] ^= 1              // record 4 is lost here
	again = again[:ends[7]-ends[2]-1] // and 7, 8, 9 there
	j, dir := openWith(t, map[string][]byte{name: data, second: again})
	if n := j.Stats().Replay; n != 10 {
		t.Fatalf("a record that is there twice counts once: %d, want 10", n)
	}
	got, end := rest(t, j)
	want(t, "of two copies either is enough, and each record comes once, in order", got, numbered(0, 10))
	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	closeNow(t, j)
	if left := segments(t, dir); len(left) != 0 {
		t.Fatalf("%v", left)
	}
}

func TestOpen_ForeignFiles(t *testing.T) {
	foreign := map[string][]byte{
		"notes.txt":                      []byte("hello"),
		"0000000000000000-00000000.wal":  []byte("number 0"),
		"ffffffffffffffff-00000000.wal":  []byte("too high a number"),
		"0000000000000001-00000000.wal~": nil,
	}
	j, dir := openWith(t, foreign)
	add(t, j, "a")
	_, end := rest(t, j)
	if err := j.Done(end); err != nil {
		t.Fatal(err)
	}
	closeNow(t, j)
	for name := range foreign {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("a file that is no segment is left alone: %v", err)
		}
	}
}

func TestOpen_NumbersAreNotUsedAgain(t *testing.T) {
	name, data, ends := written(t, "one", "two", "three")
	data[ends[2]-1] ^= 1
	j, _ := openWith(t, map[string][]byte{name: data})
	if pos := add(t, j, "four"); pos <= 3 {
		t.Fatalf("the number of a damaged record is not given out again: %d", pos)
	}
}
