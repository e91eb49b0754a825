package footfall

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/internal/count"
)

// counters are what Status counts.
type counters struct {
	sessionsBegun, logins, ended, orders, folded, botViews, badCookies, unresolved, eventsCapped, eventsWithoutSession, forgottenProxy, archiveReads, corruptRecords, conflicts, purged, jobErrors, adopted, ordersUnwritten, botsDropped *atomic.Uint64
	complained                                                                                                                                                                                                                            *atomic.Int64
}

func newCounters(set *count.Set) counters {
	return counters{
		sessionsBegun:        set.New("sessions_begun"),
		logins:               set.New("logins"),
		ended:                set.New("sessions_ended"),
		orders:               set.New("orders"),
		folded:               set.New("sessions_folded"),
		botViews:             set.New("bot_views"),
		badCookies:           set.New("bad_cookies"),
		unresolved:           set.New("unresolved"),
		eventsCapped:         set.New("events_capped"),
		eventsWithoutSession: set.New("events_without_session"),
		forgottenProxy:       set.New("forgotten_proxy"),
		archiveReads:         set.New("archive_reads"),
		corruptRecords:       set.New("corrupt_records"),
		conflicts:            set.New("credential_conflicts"),
		purged:               set.New("purged"),
		jobErrors:            set.New("job_errors"),
		adopted:              set.New("legacy_adopted"),
		ordersUnwritten:      set.New("orders_unwritten"),
		botsDropped:          set.New("bots_dropped"),
		complained:           new(atomic.Int64),
	}
}

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
		LiveSessions: t.live.Len(),
		ActiveUsers:  t.metrics.activeUsers.Load(), DailyVisits: t.metrics.dailyVisits.Load(),
		JournalBytes: j.Bytes, JournalMax: j.MaxBytes, JournalPending: j.Pending, JournalOldest: j.Oldest,
		Replaying: !t.out.Replayed() || !t.hot.IsReplayed(),
	}
	s.Parts = []Part{
		t.check(ctx, "hot", t.guarded.Check),
		t.check(ctx, "archive", t.archive.Check),
		t.check(ctx, "journal", func(context.Context) error { return t.out.Check() }),
	}
	s.Parts[0].Breaker, s.Parts[1].Breaker = t.guarded.State(), t.archive.State()
	if since := t.out.ArchiveFailing(); !since.IsZero() && s.Parts[1].OK {
		s.Parts[1].OK, s.Parts[1].Error = false, "it has not taken facts since "+since.Format(time.RFC3339)
	}
	s.Counts = t.set.All()
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

// showCounts adds what others count.
func (t *Tracker) showCounts() {
	t.set.Func("visits_uncounted", t.begins.uncountedTotal)
	t.set.Func("agents_over_budget", t.agents.OverBudget)
}

func (l *beginLimit) uncountedTotal() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.overall
}
