package scenarios_test

import (
	"context"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 31.
func TestReplay_NothingIsLostOnTheWay(t *testing.T) {
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	s.Archive.Down.Store(true)
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	for range 50 {
		b.Do("GET", "/page")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Tracker.Close(ctx); err == nil {
		t.Error("Close says that everything is in an archive that is down")
	}
	if err := s.SQLite.Close(); err != nil {
		t.Fatal(err)
	}
	s.Start()
	b.Handler = s.Site()
	b.Do("GET", "/page")
	if rec := s.Stored(id); rec.PageViews != 52 {
		t.Errorf("after an outage and a restart %d page views are stored, not 52", rec.PageViews)
	}
}
