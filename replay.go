package footfall

import (
	"context"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
)

// settleReplay raises what the hot store shows of sessions that the last run's
// journal told of to what the archive has now.
func (t *Tracker) settleReplay(ctx context.Context, ids []string) {
	defer t.replaySettled.Store(true)
	archived := make([]Record, 0, len(ids))
	for _, id := range ids {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		rec, ok, err := t.archive.Unguarded().Session(asking, id)
		cancel()
		if err != nil {
			return
		}
		if ok && t.lives.Remaining(&rec.Session, clock.Now()) > 0 {
			archived = append(archived, rec)
		}
	}
	if len(archived) > 0 && t.archive.Shared() && !clock.Sleep(ctx, settleCompare) { // others may be telling the hot store
		return
	}
	for i := range archived {
		asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
		err := t.raiseHot(asking, &archived[i])
		cancel()
		if err != nil {
			t.hot.CountError()
			return
		}
	}
}

// raiseHot raises what the hot store shows of a session to what its record has.
func (t *Tracker) raiseHot(ctx context.Context, rec *Record) error {
	doc, _, views, lastSeen, err := t.hot.Read(ctx, rec.SessionID)
	if err != nil || doc == nil {
		return err
	}
	d, err := decodeHot(doc)
	if err != nil {
		return nil // whoever asks for it will see
	}
	missing := max(rec.PageViews-(d.PageViews+views), 0)
	if missing == 0 && lastSeen >= clock.Millis(rec.LastSeenAt) {
		return nil
	}
	return t.addMissing(ctx, &d, views, missing, rec.LastSeenAt)
}
