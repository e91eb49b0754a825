package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// pagesTimeout is how long the doctor looks for damaged pages: a database of many
// gigabytes takes minutes.
const pagesTimeout = 10 * time.Second

const damagedRemedy = "stop footfall and restore a backup (footfall restore FILE), or use another DATA_DIR"

// databaseFinding examines the SQLite database. running says whether a server uses
// it.
func databaseFinding(c *config, running bool) finding {
	f := finding{Part: "database", Says: c.database()}
	left := ""
	if !running {
		log, err := sqlitearchive.InspectLog(c.database())
		switch {
		case errors.Is(err, fs.ErrNotExist): // of a database that is not there
		case err != nil:
			f.examined(c, err)
			return f
		case log.Foreign != "":
			f.Says = fmt.Sprintf("%s has a write-ahead log that seems to be of another database: %s; the next start would apply it", c.database(), log.Foreign)
			f.Remedy = "if somebody put a copy there: move footfall.db-wal and footfall.db-shm away, and next time use footfall restore; if not, start footfall"
			return f
		case log.Bytes > 0:
			left = fmt.Sprintf("; a process that was killed left %d bytes in footfall.db-wal, which the next start moves to the database", log.Bytes)
		}
	}
	a, err := openDatabase(c)
	switch {
	case errors.Is(err, fs.ErrNotExist) && running:
		f.Says, f.Remedy = "there is none at "+c.database()+", and a server is running on this DATA_DIR", "put it back: the server goes on with it; or stop the server and restore a backup (footfall restore FILE)"
		return f
	case errors.Is(err, fs.ErrNotExist):
		f.OK, f.Says = true, "there is none yet"
		return f
	case err != nil:
		f.examined(c, err)
		return f
	}
	defer a.Close()
	examineSessions(c, a, &f)
	f.Says += left
	if f.OK {
		examinePages(c, a, &f, pagesTimeout)
	}
	return f
}

// examined says what is wrong with the database.
func (f *finding) examined(c *config, err error) {
	switch {
	case errors.Is(err, sqlitearchive.ErrDamaged):
		f.explain(err, damagedRemedy)
	case errors.Is(err, sqlitearchive.ErrNewer):
		f.explain(err, "upgrade footfall, or use another DATA_DIR")
	case errors.Is(err, sqlitearchive.ErrOlder):
		f.explain(err, "move the file away, or use another DATA_DIR")
	case oserror.Explained(err):
		f.explain(oserror.Dir(c.dataDir, err), "")
	default:
		f.explain(err, "look at the disk of DATA_DIR and at the system's log")
	}
}

// examineSessions reads the latest session.
func examineSessions(c *config, a *sqlitearchive.Archive, f *finding) {
	now := time.Now()
	sessions, err := a.Sessions(context.Background(), report.Filter{Now: now, Limit: 1})
	if err != nil {
		f.examined(c, err)
		return
	}
	f.OK = true
	if len(sessions) == 0 {
		return
	}
	f.Says += fmt.Sprintf(", latest session %s", clock(sessions[0].StartedAt, c.Location))
	if ahead := sessions[0].StartedAt.Sub(now); ahead > time.Minute {
		f.OK, f.Says, f.Remedy = false, f.Says+fmt.Sprintf(", which is %s ahead of this clock", ahead.Round(time.Second)), "set this machine's clock"
	}
}

// examinePages looks for damaged pages, for a limited time.
func examinePages(c *config, a *sqlitearchive.Archive, f *finding, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	switch err := a.QuickCheck(ctx); {
	case err == nil:
		f.Says += "; all pages are in order"
	case errors.Is(err, context.DeadlineExceeded):
		f.Says += fmt.Sprintf("; no damage found in %s, which was not enough for all pages: footfall backup checks them all", timetext.Of(within))
	default:
		f.examined(c, err)
	}
}
