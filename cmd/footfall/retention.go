package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/store"
)

type retentionCmd struct {
	reader
	DryRun bool `name:"dry-run" xor:"what" help:"Only show what would be deleted, which is the default."`
	Yes    bool `name:"yes" xor:"what" help:"Delete as of now, however far that is: look at this machine's clock first."`
}

// A retained says what deleting by age deletes.
type retained struct {
	Horizon time.Time `json:"deletesAsOf"` // zero: it has not run yet
	Now     time.Time `json:"now"`
	AsIs    doomed    `json:"nextRun"`
	AsOfNow doomed    `json:"withYes"`
	Moved   bool      `json:"moved"`
}

type doomed struct {
	Sessions int64     `json:"sessions"`       // that began before
	Before   time.Time `json:"sessionsBefore"` // this
	Visitors time.Time `json:"visitorsBefore"` // who were last seen before this
}

// Run shows how far deleting by age has come, and what it would delete.
func (cmd *retentionCmd) Run(t terminal) error {
	c, from, done, err := cmd.open()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	if cmd.Yes {
		if err := moveHorizon(ctx, c); err != nil {
			return err
		}
	}
	archive, ok := from.(store.Jobs)
	if !ok {
		return errors.New("this archive does not delete by age")
	}
	r := retained{Now: time.Now().UTC().Truncate(time.Millisecond), Moved: cmd.Yes}
	if r.Horizon, _, err = archive.Horizon(ctx); err != nil {
		return c.readError(err)
	}
	for as, at := range map[*doomed]time.Time{&r.AsIs: r.Horizon, &r.AsOfNow: r.Now} {
		as.Before, as.Visitors = at.Add(-c.RetentionSessions), at.Add(-c.RetentionVisitors)
		all, err := archive.SessionsBegun(ctx, time.Unix(0, 0))
		if err != nil {
			return c.readError(err)
		}
		kept, err := archive.SessionsBegun(ctx, as.Before)
		if err != nil {
			return c.readError(err)
		}
		as.Sessions = all - kept
	}
	if cmd.JSON {
		return t.printJSON(r)
	}
	if r.Horizon.IsZero() {
		fmt.Fprintln(t.out, "deleting by age has not run yet")
		return nil
	}
	row := func(when string, at time.Time, d doomed) table.Row {
		return table.Row{when, clock(at, c.Location), d.Sessions, clock(d.Before, c.Location), clock(d.Visitors, c.Location)}
	}
	rows := []table.Row{row("next run", r.Horizon, r.AsIs)}
	if !cmd.Yes {
		rows = append(rows, row("with --yes", r.Now, r.AsOfNow))
	}
	t.printTable(table.Row{"", "deletes as of", "sessions", "begun before", "and visitors last seen before"}, rows)
	return nil
}

// moveHorizon asks the server that runs on DATA_DIR, or does it itself if none runs or if
// the archive is shared.
func moveHorizon(ctx context.Context, c *config) error {
	if c.shared.mongodbURI == "" {
		found, err := datadir.Find(c.dataDir)
		if err != nil {
			return fmt.Errorf("DATA_DIR: %s: %w", c.dataDir, err)
		}
		if found.Running {
			return askServer(found.Address, "/_footfall/api/retention", nil, nil)
		}
		if err := c.findDatabase(); err != nil {
			return err
		}
		lock, err := lockDataDir(c.dataDir)
		if err != nil {
			return err
		}
		defer func() { _ = lock.Unlock() }()
	}
	dir, err := os.MkdirTemp("", "footfall-retention-") // of a journal that stays empty
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c.Secrets, c.DisableJobs, c.JournalDir = []string{newToken()}, true, dir
	c.Logger = slog.New(slog.DiscardHandler)
	tracker, _, closeAll, err := c.openTracker()
	if err != nil {
		return err
	}
	_, err = tracker.Retention(ctx, true)
	return errors.Join(err, closeAll(ctx))
}
