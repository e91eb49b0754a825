package faults

import (
	"os"
	"path/filepath"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// diskFull fills the disk completely.
var diskFull = fault{name: "disk full", open: smallDiskWorld, cost: noRoom, run: fullFor}

// diskFullPages does the same while visitors only request pages. The counters
// have to state how many page views are missing.
var diskFullPages = fault{name: "disk full, pages only", open: smallDiskWorld, mix: &pagesOnly, cost: noRoom, run: fullFor}

// diskFullStalling fills the disk and makes it slow to return the error: answers
// do not wait for it, and what was to be written later never is. The process is
// stopped again and again for longer than a write may take.
var diskFullStalling = fault{name: "disk full and stalling", open: smallDiskWorld, cost: noRoom, run: func(w *world, length time.Duration) error {
	free, err := fill(w.dir)
	if err != nil {
		return err
	}
	for until := time.Now().Add(length); time.Now().Before(until); time.Sleep(15 * time.Millisecond) {
		if err := testserver.Pause(w.processes[0].cmd.Process); err != nil {
			return err
		}
		time.Sleep(70 * time.Millisecond)
		if err := testserver.Resume(w.processes[0].cmd.Process); err != nil {
			return err
		}
	}
	return free()
}}

func fullFor(w *world, length time.Duration) error {
	free, err := fill(w.dir)
	if err != nil {
		return err
	}
	time.Sleep(length)
	return free()
}

// fill uses all space of a disk, to the last byte, until free is called.
func fill(dir string) (free func() error, err error) {
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		return nil, err
	}
	for block := 1 << 20; block > 0; {
		if _, err := f.Write(make([]byte, block)); err != nil {
			block /= 2
		}
	}
	return func() error {
		_ = f.Truncate(0)
		_ = f.Close()
		return os.Remove(f.Name())
	}, nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
