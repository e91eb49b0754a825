package journal

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// lazyFS is the real file system without fsync, to be fast.
type lazyFS struct{ osFS }

type lazyFile struct{ file }

func (lazyFile) Sync() error        { return nil }
func (lazyFS) syncDir(string) error { return nil }

func (fs lazyFS) create(name string) (file, error) {
	f, err := fs.osFS.create(name)
	return lazyFile{f}, err
}

func (fs lazyFS) appendTo(name string) (file, error) {
	f, err := fs.osFS.appendTo(name)
	return lazyFile{f}, err
}

// FuzzOpen opens a directory whose segment is arbitrary bytes.
func FuzzOpen(f *testing.F) {
	var whole []byte
	for i, r := range numbered(0, 4) {
		whole = appendFrame(whole, Position(i+1), 1, checksum([]byte(r)), []byte(r))
	}
	sign(whole, 0, 0)
	high := appendFrame(nil, maxSpan, 0, checksum(nil), nil)
	sign(high, 0, 0)
	f.Add([]byte{})
	f.Add(make([]byte, 100))
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add(slices.Concat(whole[:40], make([]byte, 50), whole[40:]))
	f.Add(slices.Concat(whole[:37], whole[36:]))
	f.Add(high)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1, 0)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var before []string
		for round := range 2 {
			j := open(t, dir, Options{Sync: SyncNever, fs: lazyFS{}})
			replay := j.Stats().Replay
			add(t, j, "canary")
			var got []string
			for j.Stats().Pending > 0 && (len(got) == 0 || got[len(got)-1] != "canary" || len(got) <= int(replay)) {
				b, err := j.Next(ctx, 2, 0)
				if err != nil {
					t.Fatalf("Next must come to the end of whatever is there: %v", err)
				}
				for _, r := range b.Records {
					got = append(got, string(r))
				}
			}
			if len(got) != int(replay)+1 || got[replay] != "canary" {
				t.Fatalf("what Open counted comes out, then what was appended: counted %d, got %q", replay, got)
			}
			if round == 1 {
				want(t, "a second Open finds the same and the record appended", got[:len(got)-1], before)
			}
			before = got
			closeNow(t, j)
		}
	})
}

// FuzzRoundTrip appends arbitrary bytes, cut into records and calls in arbitrary
// ways, and reads them in other ways.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello, world"), uint8(3), uint8(2), uint16(100), uint8(4))
	f.Add(make([]byte, 200), uint8(0), uint8(1), uint16(1), uint8(0))
	f.Add([]byte{}, uint8(1), uint8(1), uint16(0), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, length, perCall uint8, segmentBytes uint16, maxBytes uint8) {
		if len(data) > 10_000 {
			return
		}
		var all []string
		var records [][]byte
		for r := range slices.Chunk(data, int(length)+1) {
			all = append(all, string(r), "")
			records = append(records, r, nil)
		}
		dir := t.TempDir()
		o := Options{Sync: SyncNever, SegmentBytes: int64(segmentBytes), fs: lazyFS{}}
		j := open(t, dir, o)
		for call := range slices.Chunk(records, int(perCall)+1) {
			if _, err := j.Append(call...); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			var got []string
			for uint64(len(got)) < uint64(len(all)) {
				b, err := j.Next(t.Context(), 0, int(maxBytes))
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range b.Records {
					got = append(got, string(r))
				}
			}
			want(t, "records come out as they went in", got, all)
			closeNow(t, j)
			j = open(t, dir, o)
		}
	})
}
