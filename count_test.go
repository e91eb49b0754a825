package footfall

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/memstore"
)

// slowMerge is a hot store whose first merge waits to be let through.
type slowMerge struct {
	*memstore.Store
	first     sync.Once
	entered   chan struct{}
	pass      chan struct{}
	afterRead func()
}

func (s *slowMerge) Merge(ctx context.Context, id, series, writer string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	s.first.Do(func() {
		close(s.entered)
		<-s.pass
	})
	return s.Store.Merge(ctx, id, series, writer, views, lastSeen, ttl)
}

func (s *slowMerge) Read(ctx context.Context, id string) ([]byte, int64, int64, int64, error) {
	doc, version, views, lastSeen, err := s.Store.Read(ctx, id)
	if s.afterRead != nil {
		s.afterRead()
	}
	return doc, version, views, lastSeen, err
}

// A view whose merge is under way while the count is compared with the archive's
// is not missing: it must not be added a second time.
func TestPageViews_AMergeUnderWayIsNotMissing(t *testing.T) {
	for _, ends := range []string{"after the comparison", "between reading and comparing"} {
		t.Run(ends, func(t *testing.T) {
			ctx := t.Context()
			s := &slowMerge{Store: memstore.New(0), entered: make(chan struct{}), pass: make(chan struct{})}
			set := new(count.Set)
			tr := &Tracker{
				hot: guard.NewHot(s, set), lives: Lifetimes{Idle: time.Hour, Absolute: day},
				config: Config{LiveSessions: 10}, counts: newCounters(set),
			}
			id, at := clock.NewID(), clock.Now()
			d := live.Document{Series: "s-1", Record: Record{Session: Session{SessionID: id.String(), StartedAt: at, LastSeenAt: at}, Version: 1}}
			if _, err := s.Put(ctx, id.String(), d.Series, encodeDocument(&d), 0, 1, time.Hour); err != nil {
				t.Fatal(err)
			}
			e := live.Loaded(id, d, at, 0, true, live.NewNames())
			e.Recorded(live.Outcome{At: at, View: true, Written: true})
			tr.requeueHot(e)
			flushed := make(chan struct{})
			go func() {
				tr.flushHot(ctx)
				close(flushed)
			}()
			<-s.entered
			finish := func() {
				close(s.pass)
				<-flushed
			}
			if ends == "between reading and comparing" {
				s.afterRead = finish
			}
			if _, err := tr.settleOne(ctx, e, 1); err != nil {
				t.Fatal(err)
			}
			if ends == "after the comparison" {
				finish()
			}
			s.afterRead = nil
			tr.flushHot(ctx)
			if _, _, views, _, err := s.Read(ctx, id.String()); err != nil || views != 1 {
				t.Errorf("the hot store shows %d page views of 1 (%v): a view that was under way was taken for a missing one", views, err)
			}
		})
	}
}
