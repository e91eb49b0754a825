package footfall

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/notices"
)

// A Dependency is something that a tracker needs: the hot store, the archive or the
// journal.
type Dependency struct {
	Name      string  `json:"name"` // hot, archive or journal
	OK        bool    `json:"ok"`
	Error     string  `json:"error,omitempty"`   // what is wrong
	LatencyMS float64 `json:"latencyMs"`         // how long the check that was just made took, in milliseconds
	Breaker   string  `json:"breaker,omitempty"` // closed; open: requests do without it until it answers again
}

// Status is how a tracker is doing. Counts are since its start.
type Status struct {
	Parts []Dependency `json:"parts"` // the hot store, the archive and the journal, in this order

	LiveSessions int64 `json:"liveSessions"` // held in this process
	ActiveUsers  int64 `json:"activeUsers"`  // of the last 30 minutes, as of at most 10 s ago
	DailyVisits  int64 `json:"dailyVisits"`  // of the shop's day, likewise

	JournalBytes   int64     `json:"journalBytes"`
	JournalMax     int64     `json:"journalMaxBytes"`
	JournalPending uint64    `json:"journalPending"` // records that the archive does not hold yet
	JournalOldest  time.Time `json:"journalOldest"`  // of these; zero if there is none
	Replaying      bool      `json:"replaying"`      // what the last run left in the journal is still being carried to the archive

	CustomersKnown bool  `json:"customersKnown"` // the feed of changes of credentials was read; until then customers get 503, and others are served
	ChangesRead    int64 `json:"changesRead"`    // of the feed, since the start
	ChangesLeft    int64 `json:"changesLeft"`    // that are still to be read, as far as is known

	Counts  map[string]uint64 `json:"counts"`
	Notices []Notice          `json:"notices"` // what is probably wrong with how the shop is set up; none is an empty list
}

// A Notice says what is probably wrong with how a shop is set up, as its latest requests
// show it. Its Name is one of:
//
//   - one_address: all visitors have one address
//   - untrusted_proxy: a proxy is in front that Config.TrustedProxies does not list
//   - own_referrer: a proxy writes another Host, so that the shop is among its own referrers
//   - mostly_bots: nearly all page views are taken for software's
//   - cookies_lost: cookies never come back
type Notice = notices.Notice

// Ready says that every part is in order, that nothing is being replayed and that
// customers are known.
func (s *Status) Ready() bool {
	for _, p := range s.Parts {
		if !p.OK {
			return false
		}
	}
	return !s.Replaying && s.CustomersKnown
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
		Notices:   append([]Notice{}, t.notices.Current()...),
	}
	s.ChangesRead, s.ChangesLeft, s.CustomersKnown = t.revoked.Progress()
	s.Parts = []Dependency{
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

// Measures is what every counter and every histogram says now, each with a text that
// says what it means: what package admin serves as metrics.
func (t *Tracker) Measures() []count.Measure { return t.counts.Measures() }

func (t *Tracker) check(ctx context.Context, name string, ask func(context.Context) error) Dependency {
	ctx, cancel := context.WithTimeout(ctx, max(t.config.StoreTimeout, time.Second))
	defer cancel()
	began := time.Now()
	p := Dependency{Name: name, OK: true}
	if err := ask(ctx); err != nil {
		p.OK, p.Error = false, err.Error()
	}
	p.LatencyMS = float64(time.Since(began).Microseconds()) / 1000
	return p
}
