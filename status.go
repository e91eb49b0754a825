package footfall

import (
	"context"
	"sync/atomic"
	"time"
)

// counters are what Status counts.
type counters struct {
	sessionsBegun, logins, ended, orders, folded                                                                                     atomic.Uint64
	botViews, badCookies, unresolved, unacknowledged                                                                                 atomic.Uint64
	eventsCapped, eventsDropped, eventsWithoutSession, forgottenProxy                                                                atomic.Uint64
	hotReads, archiveReads, hotErrors, archiveErrors                                                                                 atomic.Uint64
	controlFailures, corruptRecords, conflicts, setAside                                                                             atomic.Uint64
	projected, purged, jobErrors, hotDropped, botsDropped, ordersUnwritten, timesClamped, adopted, eventsPending, eventsUnattributed atomic.Uint64
	complained                                                                                                                       atomic.Int64
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
	j := t.journal.Stats()
	s := Status{
		LiveSessions: t.live.size.Load(),
		ActiveUsers:  t.metrics.activeUsers.Load(), DailyVisits: t.metrics.dailyVisits.Load(),
		JournalBytes: j.Bytes, JournalMax: j.MaxBytes, JournalPending: j.Pending, JournalOldest: j.Oldest,
		Replaying: !t.replayed() || !t.replaySeen.settled.Load(),
	}
	s.Parts = []Part{
		t.check(ctx, "hot", t.hot.Check),
		t.check(ctx, "archive", t.archive.Check),
		t.check(ctx, "journal", func(context.Context) error { return t.journal.Check() }),
	}
	s.Parts[0].Breaker, s.Parts[1].Breaker = t.hot.State(), t.archive.State()
	if since := t.failingSince.Load(); since != 0 && s.Parts[1].OK {
		s.Parts[1].OK, s.Parts[1].Error = false, "it has not taken facts since "+time.UnixMilli(since).UTC().Format(time.RFC3339)
	}
	c := &t.counts
	s.Counts = map[string]uint64{
		"sessions_begun": c.sessionsBegun.Load(), "logins": c.logins.Load(), "sessions_ended": c.ended.Load(),
		"orders": c.orders.Load(), "sessions_folded": c.folded.Load(), "bot_views": c.botViews.Load(),
		"bad_cookies": c.badCookies.Load(), "unresolved": c.unresolved.Load(), "unacknowledged": c.unacknowledged.Load(),
		"events_capped": c.eventsCapped.Load(), "events_dropped": c.eventsDropped.Load(), "events_without_session": c.eventsWithoutSession.Load(),
		"forgotten_proxy": c.forgottenProxy.Load(), "visits_uncounted": t.begins.uncountedTotal(),
		"hot_reads": c.hotReads.Load(), "archive_reads": c.archiveReads.Load(), "hot_errors": c.hotErrors.Load(),
		"archive_errors": c.archiveErrors.Load(), "control_failures": c.controlFailures.Load(),
		"corrupt_records": c.corruptRecords.Load(), "credential_conflicts": c.conflicts.Load(),
		"facts_set_aside": c.setAside.Load(), "facts_projected": c.projected.Load(), "purged": c.purged.Load(),
		"job_errors": c.jobErrors.Load(), "times_clamped": c.timesClamped.Load(), "events_pending": c.eventsPending.Load(), "events_unattributed": c.eventsUnattributed.Load(), "legacy_adopted": c.adopted.Load(), "hot_breaker_opened": t.hot.Opened(), "archive_breaker_opened": t.archive.Opened(),
		"orders_unwritten": c.ordersUnwritten.Load(), "bots_dropped": c.botsDropped.Load(), "hot_dropped": c.hotDropped.Load(), "fold_skipped": t.folder.skippedTotal(), "live_evicted": t.live.evicted.Load(), "live_refused": t.live.refused.Load(),
		"agents_over_budget": t.agents.OverBudget(),
		"journal_refused":    j.Refused, "journal_stalled": j.Stalled, "journal_late_lost": j.LateLost, "journal_write_errors": j.WriteErrors,
		"journal_sync_errors": j.SyncErrors, "journal_damaged_bytes": uint64(j.DamagedBytes),
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

func (f *folder) skippedTotal() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.skipped
}

func (l *beginLimit) uncountedTotal() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.overall
}
