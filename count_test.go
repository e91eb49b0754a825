package footfall

import (
	"context"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/memstore"
)

// gatedMerge is a hot store whose merges wait to be let through.
type gatedMerge struct {
	*memstore.Store
	entered, pass chan struct{}
}

func (g *gatedMerge) Merge(ctx context.Context, id, series, writer string, views, lastSeen int64, ttl time.Duration) (bool, error) {
	g.entered <- struct{}{}
	<-g.pass
	return g.Store.Merge(ctx, id, series, writer, views, lastSeen, ttl)
}

// A view whose merge is under way while the count is compared with the archive's
// is not missing: it must not be added a second time.
func TestPageViews_AMergeUnderWayIsNotMissing(t *testing.T) {
	for _, ends := range []string{"after the comparison", "between reading and comparing"} {
		t.Run(ends, func(t *testing.T) {
			ctx := t.Context()
			store := &gatedMerge{memstore.New(0), make(chan struct{}), make(chan struct{})}
			tr := &Tracker{
				hot: guard.NewHot(store), lives: Lifetimes{Idle: time.Hour, Absolute: day},
				config: Config{LiveSessions: 10},
			}
			id, at := clock.NewID(), clock.Now()
			e := &entry{id: id, series: "s-1", writer: "w.1", begun: true, notedAt: clock.Millis(at)}
			e.rec = Record{Session: Session{SessionID: id.String(), StartedAt: at, LastSeenAt: at}}
			e.rec.SetCredentials(Credentials{Version: 1})
			d := e.document()
			if _, err := store.Put(ctx, id.String(), d.series, d.encode(), 0, 1, time.Hour); err != nil {
				t.Fatal(err)
			}
			e.views, e.rec.PageViews = 1, 1
			tr.queueHot(e)
			flushed := make(chan struct{})
			go func() {
				tr.flushHot(ctx)
				close(flushed)
			}()
			<-store.entered
			if ends == "after the comparison" {
				if _, err := tr.settleOne(ctx, e, 1); err != nil {
					t.Fatal(err)
				}
				store.pass <- struct{}{}
				<-flushed
			} else {
				sent, _ := e.quiet()
				store.pass <- struct{}{}
				<-flushed
				e.raise(1, 0, sent) // 0: read before the merge ended
			}
			go func() {
				for range store.entered {
					store.pass <- struct{}{}
				}
			}()
			tr.flushHot(ctx)
			close(store.entered)
			if _, _, views, _, err := store.Read(ctx, id.String()); err != nil || views != 1 {
				t.Errorf("the hot store shows %d page views of 1 (%v): a view that was under way was taken for a missing one", views, err)
			}
		})
	}
}
