package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// Errors is a log for what is wrong. That a slow disk had facts written after
// their answers is counted (unacknowledged) and printed once a round.
var Errors = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

// tracked is a tracker and what can be asked of it.
type tracked struct {
	tracker  *footfall.Tracker
	handler  http.Handler // the shop behind the tracker
	outage   *outage
	stored   func(context.Context) (Stored, error)
	database string   // path, if it is a file
	profiled *os.File // while a profile is written
	close    func()
}

// A page view is Footfall's counter: it is counted without being asked for. The
// handler only reads the session, as a shop's does to know its customer.
func countsItself(_ http.ResponseWriter, r *http.Request) (int, error) {
	session, ok := footfall.FromContext(r.Context())
	if !ok {
		return 0, errors.New("the request has no session")
	}
	return int(session.PageViews), nil
}

func makeMemorySQLite(_ context.Context, o *Options) (*shopServer, error) {
	dir, err := os.MkdirTemp(o.Dir, "footfall-bench-*")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "footfall.db")
	archive, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	t := &tracked{
		database: path, outage: &outage{Archive: archive},
		stored: func(ctx context.Context) (Stored, error) {
			stats, err := archive.Stats(ctx, report.Window{Now: time.Now(), Today: time.Now()})
			return Stored{Views: stats.PageViews, Sessions: stats.Sessions}, err
		},
		close: func() { archive.Close(); _ = os.RemoveAll(dir) },
	}
	return t.shop(o, dir, memstore.New(0))
}

// makeRedisMongoDB cannot say what is stored: whoever started the MongoDB stub
// asks that.
func makeRedisMongoDB(ctx context.Context, o *Options) (*shopServer, error) {
	dir, err := os.MkdirTemp(o.Dir, "footfall-bench-*")
	if err != nil {
		return nil, err
	}
	hot, err := redisstore.Open("redis://"+o.Redis, redisstore.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	archive, err := mongoarchive.Open(ctx, o.MongoDB, mongoarchive.Options{})
	if err != nil {
		return nil, errors.Join(err, hot.Close(), os.RemoveAll(dir))
	}
	t := &tracked{
		outage: &outage{Archive: archive},
		stored: func(context.Context) (Stored, error) { return Stored{}, nil },
		close:  func() { _ = archive.Close(); _ = hot.Close(); _ = os.RemoveAll(dir) },
	}
	return t.shop(o, dir, hot)
}

func (t *tracked) shop(o *Options, dir string, hot store.HotStore) (*shopServer, error) {
	tracker, err := footfall.New(footfall.Config{
		Secrets: []string{Secret}, Hot: hot, Archive: t.outage, JournalDir: filepath.Join(dir, "journal"),
		Insecure: true, NewSessionsPerMinute: -1, IdleTimeout: o.IdleTimeout, MaxAge: o.MaxAge, LiveSessions: o.LiveSessions,
		Logger: Errors,
	})
	if err != nil {
		t.close()
		return nil, err
	}
	t.tracker, t.handler = tracker, tracker.Handler(shop(countsItself))
	s := httpShop(t.handler)
	s.footfall = t
	return s, nil
}

// settlePatience is how long the archive may take to have everything.
const settlePatience = 10 * time.Minute

// settle waits until the archive has everything that was counted.
func (t *tracked) settle(ctx context.Context) error {
	for began := time.Now(); t.tracker.Status(ctx).JournalPending > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > settlePatience {
			return errors.New("the archive does not take what the journal holds")
		}
	}
	return nil
}

func (t *tracked) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = t.tracker.Close(ctx) // everything is measured by now
	t.close()
}
