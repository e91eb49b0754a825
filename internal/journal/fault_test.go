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
	"time"
)

// faultFS is the real file system with faults. A function that is nil causes no
// fault.
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
			before, _ := rest(t, j)
			want(t, "appending works again once the disk has room, and what was acknowledged is there", before, numbered(0, 6))
			closeNow(t, j)

			j = open(t, dir, Options{})
			got, end := rest(t, j)
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
