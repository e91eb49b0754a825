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

type backupCmd struct {
	Settings `kong:"embed"`
	JSON     bool   `name:"json" help:"Print JSON."`
	Force    bool   `help:"Replace FILE if it exists."`
	File     string `arg:"" name:"file" help:"Where the copy goes. Keep it on another disk."`
}

type backedUp struct {
	File     string     `json:"file"`
	Database string     `json:"database"`
	Bytes    int64      `json:"bytes"`
	Sessions int64      `json:"sessions"`
	Latest   *time.Time `json:"latestSessionAt"` // when the latest session began; null: there is none
}

// Run copies the database, whether a process uses it or not.
func (cmd *backupCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if c.shared.mongodbURI != "" {
		return errors.New("MONGODB_URI: footfall backup copies SQLite databases only: use mongodump, or your provider's backups")
	}
	a, err := openReader(c)
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bar := newProgress(t, "copying the database", 0)
	err = a.Backup(ctx, cmd.File, sqlitearchive.BackupOptions{Replace: cmd.Force, Progress: bar.report})
	bar.stop()
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("FILE: %s exists: choose another name, or use --force to replace it", cmd.File)
	case errors.Is(err, context.Canceled):
		return errors.New("stopped: nothing was written to FILE")
	case errors.Is(err, sqlitearchive.ErrDamaged):
		return fmt.Errorf("%w; nothing was written to FILE", c.databaseError(err))
	case oserror.Explained(err):
		return fmt.Errorf("FILE: %w", oserror.File(cmd.File, err))
	case err != nil:
		return fmt.Errorf("FILE: %w: nothing was written to it", err)
	}
	done, err := describeBackup(ctx, c, cmd.File)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return t.printJSON(done)
	}
	fmt.Fprintf(t.out, "%s holds %d sessions", done.File, done.Sessions)
	if done.Latest != nil {
		fmt.Fprintf(t.out, ", the latest of %s", clock(*done.Latest, c.Location))
	}
	fmt.Fprintf(t.out, " (%d bytes, checked)\n", done.Bytes)
	return nil
}

// describeBackup reads a copy that was just made.
func describeBackup(ctx context.Context, c *config, file string) (done backedUp, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return done, err
	}
	done.File, done.Database, done.Bytes = file, c.database(), info.Size()
	a, err := sqlitearchive.OpenReadOnly(file, sqlitearchive.Options{SessionMaxAge: c.MaxAge})
	if err != nil {
		return done, err
	}
	defer a.Close()
	sessions, latest, err := a.Extent(ctx)
	if done.Sessions = sessions; !latest.IsZero() {
		done.Latest = &latest
	}
	return done, err
}

// report shows how far long work is.
func (b *progressBar) report(done, total int64) {
	if b.tracker != nil {
		b.tracker.UpdateTotal(total)
		b.tracker.SetValue(done)
	}
}
