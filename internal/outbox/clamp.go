package outbox

import (
	"time"

	"github.com/footfall-go/footfall/store"
)

// clamp corrects the times of facts that a clock which runs ahead of the archive's
// has put into the future.
func (b *Outbox) clamp(facts []store.Fact) {
	latest, limited := b.clock.Latest()
	if !limited {
		return
	}
	limit := func(at *time.Time) {
		if at.After(latest) {
			*at = latest
			b.timesClamped.Add(1)
		}
	}
	for _, fact := range facts {
		switch f := fact.(type) {
		case *store.SessionBegun:
			limit(&f.StartedAt)
			limit(&f.LastSeenAt)
		case *store.EventRecorded:
			limit(&f.CreatedAt)
		case *store.SessionSeen:
			limit(&f.At)
		case *store.OrderPlaced:
			limit(&f.CreatedAt)
		case *store.OrderRefunded:
			limit(&f.At)
		case *store.BotSeen:
			limit(&f.At)
		}
	}
}
