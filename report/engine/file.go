package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/footfall-go/footfall/report"
)

// files keeps the columns of days that are over in a directory: a cache, of which any part may
// be deleted at any time. What cannot be read or written is as if it were not there.
type files struct{ dir string }

// name is the file of a version of a day.
func (f files) name(d report.DayState) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s%016x.day", f.prefix(d.Day), uint64(d.Generation))) //nolint:gosec // its bits
}

func (f files) prefix(day report.UTCDay) string { return fmt.Sprintf("%d-", day) }

// read reads a version of a day; nil if there is none, or none of at most so many bytes. What
// is in a file takes as many in memory, about.
func (f files) read(d report.DayState, t *texts, most int) *segment {
	if f.dir == "" {
		return nil
	}
	b, err := readSmall(f.name(d), most)
	if err != nil {
		return nil
	}
	s, err := decode(b, d, t)
	if err != nil {
		if !errors.Is(err, errTooLarge) {
			_ = os.Remove(f.name(d))
		}
		return nil
	}
	return s
}

var errLong = errors.New("the file is too long")

// readSmall reads a file that has at most so many bytes.
func readSmall(name string, most int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > int64(most):
		return nil, errLong
	}
	return io.ReadAll(io.LimitReader(file, int64(most)))
}

// write writes a day, under another name until it is whole, and removes its other versions.
func (f files) write(s *segment, t *texts) {
	if f.dir == "" || os.MkdirAll(f.dir, 0o700) != nil {
		return
	}
	name := f.name(report.DayState{Day: s.day, Generation: s.generation})
	file, err := os.CreateTemp(f.dir, f.prefix(s.day)+"*.new")
	if err != nil {
		return
	}
	_, err = file.Write(encode(s, t))
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return
	}
	f.removeOthers(s.day, filepath.Base(name))
}

// removeOthers removes what there is of a day beside one file.
func (f files) removeOthers(day report.UTCDay, but string) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, f.prefix(day)) || name == but {
			continue
		}
		if !strings.HasSuffix(name, ".day") { // another process may be writing it now
			if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < time.Hour {
				continue
			}
		}
		_ = os.Remove(filepath.Join(f.dir, name))
	}
}

// sweep removes the files of days that have another generation by now, or are gone: what was
// deleted from the archive does not stay here.
func (f files) sweep(ctx context.Context, source report.Source) {
	if f.dir == "" {
		return
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil || len(entries) == 0 {
		return
	}
	days, err := source.Days(ctx, math.MinInt32, math.MaxInt32)
	if err != nil {
		return
	}
	current := make(map[string]bool, len(days))
	for _, d := range days {
		current[filepath.Base(f.name(d))] = true
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".day") && !current[name] {
			_ = os.Remove(filepath.Join(f.dir, name))
		}
	}
}
