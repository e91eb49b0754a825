package faults

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// A plan holds what is needed to set up worlds.
type plan struct {
	t       testing.TB
	ctx     context.Context
	binary  string
	skewed  func() (string, error) // the binary whose clock can be changed
	seed    uint64
	local   float64 // arrivals a second
	shared  float64
	lasting *world // on memory and SQLite, used for one fault after the other
}

func (p *plan) scale(rate float64) scale {
	p.seed++
	return scale{rate: rate, seed: p.seed}
}

// localWorld is one instance on memory and SQLite, used for many faults.
func localWorld(p *plan) (w *world, err error) {
	if p.lasting == nil {
		p.lasting, err = openLocal(p.t, p.binary, "", p.scale(p.local))
	}
	return p.lasting, err
}

// ownWorld is one instance on memory and SQLite for one fault alone, whose requests
// are so many that the audits of later faults would take long.
func ownWorld(settings ...string) func(*plan) (*world, error) {
	return func(p *plan) (*world, error) {
		return openLocal(p.t, p.binary, "", p.scale(p.local), settings...)
	}
}

func smallJournalWorld(p *plan) (*world, error) {
	return openLocal(p.t, p.binary, "", p.scale(p.local), "JOURNAL_MAX_BYTES=1MiB")
}

// smallDiskWorld has everything on one small disk.
func smallDiskWorld(p *plan) (*world, error) {
	dir, err := tempDir(p.t, "")
	if err != nil {
		return nil, err
	}
	if err := tmpfs(p.t, dir, "48m"); err != nil {
		return nil, err
	}
	return openLocal(p.t, p.binary, dir, p.scale(p.local))
}

// splitWorld has its journal and its archive on different disks.
func splitWorld(p *plan) (*world, error) {
	dir, err := tempDir(p.t, "")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := tmpfs(p.t, data, "32m"); err != nil {
		return nil, err
	}
	if err := tmpfs(p.t, filepath.Join(data, "journal"), "64m"); err != nil {
		return nil, err
	}
	return openLocal(p.t, p.binary, dir, p.scale(p.local))
}

// sharedWorld sets up a new world for each fault, because the MongoDB-wire server
// of the tests gets slower with the amount of its data.
func sharedWorld(p *plan) (*world, error) {
	w, err := newShared(p.t, p.scale(p.shared), testserver.Redis(p.t))
	if err != nil {
		return nil, err
	}
	return w, w.openShared(p.binary)
}

// do runs faults one after the other.
func (p *plan) do(faults []fault, each time.Duration, tell func(row)) (rows []row, err error) {
	for i, f := range faults {
		w, err := f.open(p)
		if err != nil {
			return rows, err
		}
		r, err := w.suffer(i+1, f, each)
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
		tell(r)
		if w != p.lasting {
			w.close()
		}
	}
	return rows, nil
}
