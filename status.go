package footfall

import (
	"context"
	"time"
)

// A Part is something that a tracker depends on.
type Part struct {
	Name    string        `json:"name"`
	OK      bool          `json:"ok"`
	Error   string        `json:"error,omitempty"`
	Latency time.Duration `json:"latency"`           // of the check that was just made, in nanoseconds
	Breaker string        `json:"breaker,omitempty"` // closed; open: requests do without it until it answers again
}

// Status is how a tracker is doing. Counts are since its start.
type Status struct {
	Parts []Part `json:"parts"` // hot store, archive, journal

	LiveSessions int64 `json:"liveSessions"` // held in this process
	ActiveUsers  int64 `json:"activeUsers"`  // of the last 30 minutes, as of at most 10 s ago
	DailyVisits  int64 `json:"dailyVisits"`  // of the shop's day, likewise

	JournalBytes   int64     `json:"journalBytes"`
	JournalMax     int64     `json:"journalMaxBytes"`
	JournalPending uint64    `json:"journalPending"` // records the archive does not hold yet
	JournalOldest  time.Time `json:"journalOldest"`  // of these; zero if there is none
	Replaying      bool      `json:"replaying"`      // the journal's rest of the last run is still being carried over

	Counts map[string]uint64 `json:"counts"`
}

// Ready says that every part is in order and nothing is being replayed.
func (s *Status) Ready() bool {
	for _, p := range s.Parts {
		if !p.OK {
			return false
		}
	}
	return !s.Replaying
}

// Status asks every part how it is, each within StoreTimeout, or a second if
// that is longer.
func (t *Tracker) Status(ctx context.Context) Status {
	j := t.out.Stats()
	s := Status{
		LiveSessions: t.sessions.Live(), ActiveUsers: t.jobs.ActiveUsers(), DailyVisits: t.jobs.DailyVisits(),
		JournalBytes: j.Bytes, JournalMax: j.MaxBytes, JournalPending: j.Pending, JournalOldest: j.Oldest,
		Replaying: !t.out.Replayed() || !t.hot.IsReplayed(),
		Counts:    t.counts.All(),
	}
	s.Parts = []Part{
		t.check(ctx, "hot", t.hotStore.Check),
		t.check(ctx, "archive", t.archive.Check),
		t.check(ctx, "journal", func(context.Context) error { return t.out.Check() }),
	}
	s.Parts[0].Breaker, s.Parts[1].Breaker = t.hotStore.State(), t.archive.State()
	if since := t.out.ArchiveFailing(); !since.IsZero() && s.Parts[1].OK {
		s.Parts[1].OK, s.Parts[1].Error = false, "it has not taken facts since "+since.Format(time.RFC3339)
	}
	return s
}

func (t *Tracker) check(ctx context.Context, name string, ask func(context.Context) error) Part {
	ctx, cancel := context.WithTimeout(ctx, max(t.config.StoreTimeout, time.Second))
	defer cancel()
	began := time.Now()
	p := Part{Name: name, OK: true}
	if err := ask(ctx); err != nil {
		p.OK, p.Error = false, err.Error()
	}
	p.Latency = time.Since(began)
	return p
}
