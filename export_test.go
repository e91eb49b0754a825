package footfall

import "github.com/footfall-go/footfall/internal/clock"

// WithJournalFault has a function called before each write to the journal: it may
// take its time, or fail the write.
func WithJournalFault(c *Config, fault func() error) { c.beforeJournalWrite = fault }

// DropIdle drops from the tracker's table what stands elsewhere, as if nobody had
// come for two minutes.
func (t *Tracker) DropIdle() {
	t.live.Sweep(clock.Now().Add(liveIdle), clock.Now().Add(-t.lives.Absolute), t.out.Confirmed())
}
