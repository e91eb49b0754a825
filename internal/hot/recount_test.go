package hot

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
	"github.com/footfall-go/footfall/store"
)

// slowMerge is a hot store whose first merge waits to be let through.
type slowMerge struct {
	*memstore.Store
	first     sync.Once
	entered   chan struct{}
	pass      chan struct{}
	afterRead func()
}

func (s *slowMerge) Merge(ctx context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	s.first.Do(func() {
		close(s.entered)
		<-s.pass
	})
	return s.Store.Merge(ctx, id, series, writer, a, ttl)
}

func (s *slowMerge) Read(ctx context.Context, id string) ([]byte, int64, store.Activity, error) {
	doc, version, all, err := s.Store.Read(ctx, id)
	if s.afterRead != nil {
		s.afterRead()
	}
	return doc, version, all, err
}

// A view whose merge is under way while the count is compared with the archive's
// is not missing: it must not be added a second time.
func TestPageViews_AMergeUnderWayIsNotMissing(t *testing.T) {
	for _, ends := range []string{"after the comparison", "between reading and comparing"} {
		t.Run(ends, func(t *testing.T) {
			ctx := t.Context()
			s := &slowMerge{Store: memstore.New(0), entered: make(chan struct{}), pass: make(chan struct{})}
			id, at := clock.NewID(), clock.Now()
			lives := store.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour}
			d := live.Document{Series: "s-1", Record: store.Record{Session: store.Session{SessionID: id.String(), StartedAt: at, LastSeenAt: at}, Version: 1}}
			archived := d.Record
			archived.PageViews = 1
			counts := new(count.Set)
			h := New(guard.NewHot(s, counts), guard.NewArchive(nil, counts), nil, lives, 10, 1<<30, counts)
			if stored, err := h.Replace(ctx, &d, 0); err != nil || !stored {
				t.Fatal(stored, err)
			}
			e := live.Loaded(id, d, at, store.Activity{}, true, live.NewNames())
			if e.Recorded(live.Outcome{At: at, View: true, Written: true}) {
				h.Queue(e)
			}
			flushed := make(chan struct{})
			go func() {
				h.Flush(ctx)
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
			if _, err := h.compareOne(ctx, recount{id: id.String(), entry: e}, &archived); err != nil {
				t.Fatal(err)
			}
			if ends == "after the comparison" {
				finish()
			}
			s.afterRead = nil
			h.Flush(ctx)
			if _, _, all, err := s.Read(ctx, id.String()); err != nil || all.Views != 1 {
				t.Errorf("the hot store shows %d page views of 1 (%v): a view that was under way was taken for a missing one", all.Views, err)
			}
		})
	}
}

// Two instances that find the same views missing at the same time add them once.
func TestRecount_TwoInstancesAddWhatIsMissingOnce(t *testing.T) {
	ctx := t.Context()
	shared := memstore.New(0)
	id, at := clock.NewID(), clock.Now()
	lives := store.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour}
	d := live.Document{Series: "s-1", Record: store.Record{Session: store.Session{SessionID: id.String(), VisitorID: clock.NewID().String(), StartedAt: at, LastSeenAt: at}, Version: 1, SecretHash: store.SecretHash{1}}}
	archived := d.Record
	archived.PageViews = 5
	counts := new(count.Set)
	second := New(guard.NewHot(shared, counts), guard.NewArchive(nil, counts), nil, lives, 10, 1<<30, counts)
	both := &slowMerge{Store: shared, entered: make(chan struct{}), pass: make(chan struct{})}
	close(both.pass)
	counts = new(count.Set)
	first := New(guard.NewHot(both, counts), guard.NewArchive(nil, counts), nil, lives, 10, 1<<30, counts)
	if _, err := first.Replace(ctx, &d, 0); err != nil {
		t.Fatal(err)
	}
	both.afterRead = func() { // the second compares between the first's reading and its adding
		if _, err := second.compareOne(ctx, recount{id: id.String()}, &archived); err != nil {
			t.Error(err)
		}
	}
	if _, err := first.compareOne(ctx, recount{id: id.String()}, &archived); err != nil {
		t.Fatal(err)
	}
	if _, _, all, err := shared.Read(ctx, id.String()); err != nil || all.Views != 5 {
		t.Errorf("the hot store shows %d page views of 5 (%v)", all.Views, err)
	}
}

// No clock of this installation is so far ahead: what the hot store says then is
// damaged, and must not keep a session alive.
func TestRead_ClampsActivityOfTheFuture(t *testing.T) {
	ctx, shared, counts := t.Context(), memstore.New(0), new(count.Set)
	h := New(guard.NewHot(shared, counts), guard.NewArchive(nil, counts), nil, store.Lifetimes{}, 10, 1<<30, counts)
	id, at := clock.NewID().String(), clock.Now()
	d := live.Document{Series: "s-1", Record: store.Record{Session: store.Session{SessionID: id, VisitorID: clock.NewID().String(), StartedAt: at, LastSeenAt: at}, Version: 1, SecretHash: store.SecretHash{1}}}
	if stored, err := h.Replace(ctx, &d, 0); err != nil || !stored {
		t.Fatal(stored, err)
	}
	if merged, err := shared.Merge(ctx, id, "s-1", "w", store.Activity{Views: 3, LastSeen: at.AddDate(70, 0, 0).UnixMilli()}, time.Hour); err != nil || !merged {
		t.Fatal(merged, err)
	}
	there, err := h.Read(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := there.Decode()
	if err != nil || got.LastSeenAt.After(clock.Now().Add(clock.MaxOffset)) || got.PageViews != 3 {
		t.Errorf("activity of 70 years ahead is read as last seen at %s with %d views, %v: times are clamped to now", got.LastSeenAt, got.PageViews, err)
	}
}
