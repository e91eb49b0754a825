package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/internal/timetext"
)

type drainCmd struct {
	Settings `kong:"embed"`
	JSON     bool   `name:"json" help:"Print JSON."`
	Dir      string `arg:"" help:"The journal, or the DATA_DIR it is in, of an instance that will not run again."`
}

type drained struct {
	Archive   string `json:"archive"`
	Facts     uint64 `json:"facts"`    // moved to the archive
	SetAside  uint64 `json:"setAside"` // permanently refused by the archive
	Remaining uint64 `json:"remaining"`
	Gaps      uint64 `json:"gaps"`    // places where a file of the journal was emptied, cut or taken away
	Missing   uint64 `json:"missing"` // records that were missing there, at most
}

// Run moves the facts of an orphaned journal to the configured archive. It may be
// repeated: facts that the archive has are not stored twice.
func (cmd *drainCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	dir, err := journalIn(cmd.Dir)
	if err != nil {
		return err
	}
	if err := findArchive(c, dir); err != nil {
		return err
	}
	locks, err := lockForDrain(c, dir)
	defer func() {
		for _, l := range locks {
			_ = l.Unlock()
		}
	}()
	if err != nil {
		return err
	}
	c.Secrets, c.DisableJobs, c.JournalDir = []string{newToken()}, true, dir
	c.Logger = c.logger(t.err, slog.LevelWarn)
	c.shared.redisURL, c.shared.upstashURL = "", "" // a journal holds nothing for the hot store
	c.LegacyUntil = time.Time{}
	tracker, _, closeAll, err := c.openTracker()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done, err := drain(ctx, t, tracker)
	ending, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if closeErr := closeAll(ending); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	done.Archive = c.archiveName()
	if cmd.JSON {
		return t.printJSON(done)
	}
	fmt.Fprintf(t.out, "%d facts were carried over to %s; what it had already is not stored twice", done.Facts, done.Archive)
	if done.SetAside > 0 {
		fmt.Fprintf(t.out, ", %d were set aside in %s", done.SetAside, filepath.Join(dir, "set-aside"))
	}
	fmt.Fprintln(t.out)
	if done.Gaps > 0 {
		fmt.Fprintf(t.out, "records are missing in the journal at %d places, at most %d: files of it were emptied, cut or taken away; the rest was carried over\n", done.Gaps, done.Missing)
	}
	return nil
}

// journalIn finds the journal in a directory, which may be a DATA_DIR.
func journalIn(dir string) (string, error) {
	if _, err := os.Readlink(dir); err == nil {
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("DIR: %w", oserror.Dir(dir, err))
		}
	}
	switch info, err := os.Stat(filepath.Join(dir, "journal")); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("DIR: %w", oserror.Dir(dir, err))
	case err == nil && info.IsDir():
		return filepath.Join(dir, "journal"), nil
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "LOCK")); err != nil && len(segments) == 0 { // LOCK remains after the journal's first Open
		return "", fmt.Errorf("DIR: %s: there is no journal in it: name the DATA_DIR of the instance that is gone, or its journal directory", dir)
	}
	return dir, nil
}

// archiveName returns the name of the place the facts go to.
func (c *config) archiveName() string {
	if c.shared.mongodbURI != "" {
		return "the MongoDB of MONGODB_URI"
	}
	return c.database()
}

// findArchive refuses a DATA_DIR without a database: the facts would leave the
// journal for a new database there. The DATA_DIR that the journal is in is
// allowed, because its database may have been lost.
func findArchive(c *config, journal string) error {
	if c.shared.mongodbURI != "" || sameDir(filepath.Dir(filepath.Clean(journal)), c.dataDir) {
		return nil
	}
	return c.findDatabase()
}

// lockForDrain locks the directory that the journal belongs to, and DATA_DIR if
// the archive is in it, so that no server writes to either.
func lockForDrain(c *config, journal string) (locks []*datadir.Lock, err error) {
	dirs := []string{filepath.Dir(filepath.Clean(journal))}
	if c.shared.mongodbURI == "" && !sameDir(dirs[0], c.dataDir) {
		dirs = append(dirs, c.dataDir)
	}
	for _, dir := range dirs {
		lock, err := lockDataDir(dir)
		if err != nil {
			return locks, err
		}
		locks = append(locks, lock)
	}
	return locks, nil
}

func sameDir(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// drainPatience is how long drain waits for an archive that accepts nothing.
const drainPatience = 30 * time.Second

// drain waits until a tracker's journal is empty and shows the progress.
func drain(ctx context.Context, t terminal, tracker *footfall.Tracker) (done drained, err error) {
	total := tracker.Status(ctx).JournalPending
	bar := newProgress(t, "carrying facts to the archive", int64(total))
	defer bar.stop()
	last, since := total, time.Now()
	for {
		s := tracker.Status(ctx)
		done = drained{Facts: s.Counts["facts_projected"], SetAside: s.Counts["facts_set_aside"], Remaining: s.JournalPending, Gaps: s.Counts["journal_gaps"], Missing: s.Counts["journal_missing"]}
		bar.set(int64(total - min(total, s.JournalPending)))
		switch {
		case s.JournalPending == 0 && !s.Replaying:
			return done, nil
		case s.JournalPending < last:
			last, since = s.JournalPending, time.Now()
		case time.Since(since) > drainPatience:
			return done, fmt.Errorf("the archive has accepted nothing for %s: %s: %d facts stay in the journal; run it again when the archive answers", timetext.Of(drainPatience), partError(s, "archive"), done.Remaining)
		}
		select {
		case <-ctx.Done():
			return done, errors.New("stopped: what is left stays in the journal; run it again")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func partError(s footfall.Status, name string) string {
	for _, p := range s.Parts {
		if p.Name == name && p.Error != "" {
			return p.Error
		}
	}
	return "it says that it is in order"
}

// A progressBar shows the progress of long work if the output is a terminal.
type progressBar struct {
	writer  progress.Writer
	tracker *progress.Tracker
}

func newProgress(t terminal, what string, total int64) *progressBar {
	f := file(t.err)
	if f == nil {
		return &progressBar{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progressBar{}
	}
	b := &progressBar{writer: progress.NewWriter(), tracker: &progress.Tracker{Message: what, Total: total}}
	b.writer.SetOutputWriter(f)
	b.writer.SetUpdateFrequency(100 * time.Millisecond)
	b.writer.AppendTracker(b.tracker)
	go b.writer.Render()
	return b
}

func (b *progressBar) set(n int64) {
	if b.tracker != nil {
		b.tracker.SetValue(n)
	}
}

func (b *progressBar) stop() {
	if b.writer != nil {
		b.tracker.MarkAsDone()
		b.writer.Stop()
	}
}
