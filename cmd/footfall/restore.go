package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/sqlitearchive"
)

type restoreCmd struct {
	Settings       `kong:"embed"`
	JSON           bool   `name:"json" help:"Print JSON."`
	KeepLogins     bool   `help:"Leave customers logged in, also those who logged out or were revoked after the copy was made."`
	WithoutJournal bool   `help:"Put the journal aside too: what it holds is not stored in the restored database."`
	File           string `arg:"" name:"file" help:"A copy that footfall backup made."`
}

type restored struct {
	File         string     `json:"file"`
	Database     string     `json:"database"`
	Before       *string    `json:"before"` // where the database is now that was there; null: there was none
	Sessions     int64      `json:"sessions"`
	Latest       *time.Time `json:"latestSessionAt"`
	LoginsKept   bool       `json:"loginsKept"`
	LoggedOut    int        `json:"customersLoggedOut"`
	JournalBytes int64      `json:"journalBytes"`  // stored in the restored database at the next start
	Journal      *string    `json:"journalBefore"` // where the journal was put; null: it stays

	unreadable error // why the database that was there could not be read
}

// Run puts a copy in the place of the database while no process uses it.
func (cmd *restoreCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if c.shared.mongodbURI != "" {
		return errors.New("MONGODB_URI: footfall restore replaces SQLite databases only: use mongorestore, or your provider's backups")
	}
	if _, err := os.Stat(cmd.File); errors.Is(err, fs.ErrNotExist) { // before DATA_DIR is created
		return fmt.Errorf("FILE: %s does not exist: name a copy that footfall backup made", cmd.File)
	} else if err != nil {
		return fmt.Errorf("FILE: %w", oserror.File(cmd.File, err))
	}
	lock, err := lockDataDir(c.dataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	done, err := cmd.restore(t, c)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return t.printJSON(done)
	}
	cmd.explain(t, c, done)
	return nil
}

func (cmd *restoreCmd) restore(t terminal, c *config) (done restored, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bar := newProgress(t, "copying to "+c.dataDir, 0)
	r, err := sqlitearchive.Restore(ctx, cmd.File, c.database(), sqlitearchive.RestoreOptions{
		KeepLogins: cmd.KeepLogins, SessionMaxAge: c.MaxAge, Progress: bar.report,
	})
	bar.stop()
	switch {
	case errors.Is(err, context.Canceled):
		return done, errors.New("stopped: nothing was changed")
	case err != nil:
		return done, fmt.Errorf("%w; the database is as it was", c.restoreError(cmd.File, err))
	}
	done = restored{
		File: cmd.File, Database: c.database(), Sessions: r.Sessions, LoginsKept: cmd.KeepLogins, LoggedOut: r.LoggedOut,
		unreadable: r.Unreadable,
	}
	if cmd.WithoutJournal {
		// Only now: the old database would have missed what its journal holds.
		if done.Journal, err = c.putJournalAside(time.Now()); err != nil {
			return done, fmt.Errorf("DATA_DIR: the database was restored, but its journal could not be put aside: %w", err)
		}
	}
	done.JournalBytes = c.backlogBytes()
	if r.Before != "" {
		done.Before = &r.Before
	}
	if !r.Latest.IsZero() {
		done.Latest = &r.Latest
	}
	return done, nil
}

// restoreError says whether the copy or DATA_DIR is at fault.
func (c *config) restoreError(file string, err error) error {
	path, ofFile := oserror.Path(err)
	switch {
	case errors.Is(err, sqlitearchive.ErrNewer):
		return fmt.Errorf("FILE: %w", err)
	case ofFile && path != file && oserror.Inside(c.dataDir, path):
		return unusable(c.dataDir, err)
	case ofFile:
		return fmt.Errorf("FILE: %w", oserror.File(file, err))
	}
	return fmt.Errorf("FILE: %w: name a copy that footfall backup made", err)
}

// putJournalAside gives the journal's directory another name, and returns that, or
// nil if the journal is empty.
func (c *config) putJournalAside(now time.Time) (*string, error) {
	if c.backlogBytes() == 0 {
		return nil, nil
	}
	aside := c.JournalDir + ".before-restore-" + now.UTC().Format("20060102T150405.000Z")
	return &aside, os.Rename(c.JournalDir, aside)
}

// explain says what was done, and what happens at the next start.
func (cmd *restoreCmd) explain(t terminal, c *config, done restored) {
	fmt.Fprintf(t.out, "%s was restored from %s: %d sessions", done.Database, done.File, done.Sessions)
	if done.Latest != nil {
		fmt.Fprintf(t.out, ", the latest of %s", clock(*done.Latest, c.Location))
	}
	fmt.Fprintln(t.out)
	if done.Before != nil {
		fmt.Fprintf(t.out, "the database that was there is kept as %s", *done.Before)
		if done.unreadable != nil {
			fmt.Fprintf(t.out, "; it could not be read: %v", done.unreadable)
		}
		fmt.Fprintln(t.out, "; what it held beyond the backup is only there")
	}
	if done.JournalBytes > 0 {
		fmt.Fprintf(t.out, "the journal stays: the next start stores what its %d bytes hold in the restored database, each fact once\n", done.JournalBytes)
	}
	if done.Journal != nil {
		fmt.Fprintf(t.out, "the journal is kept as %s; footfall drain can store what it holds later\n", *done.Journal)
	}
	if done.LoginsKept {
		fmt.Fprintln(t.out, "customers stay logged in as in the backup: whoever logged out or was revoked after it is logged in again")
	} else {
		fmt.Fprintf(t.out, "customers logged out: %d; carts and anonymous sessions stay\n", done.LoggedOut)
	}
}
