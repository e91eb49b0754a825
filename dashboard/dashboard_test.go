package dashboard_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for a machine without zone files

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

const token = "a token for tests"

// start starts a tracker on an archive of its own.
func start(t *testing.T, edit func(*footfall.Config)) (*footfall.Tracker, *sqlitearchive.Archive) {
	t.Helper()
	dir := t.TempDir()
	archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := footfall.Config{
		Secrets: []string{"a secret for tests: it signs nothing that matters"}, Hot: memstore.New(0), Archive: archive,
		JournalDir: filepath.Join(dir, "journal"), DisableJobs: true, Logger: slog.New(slog.DiscardHandler),
	}
	edit(&c)
	tracker, err := footfall.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tracker.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	})
	return tracker, archive
}

// ask reads the data of an answer.
func ask[T any](t *testing.T, h http.Handler, target string) T {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer struct{ Data T }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s (%v)", target, w.Code, w.Body, err)
	}
	return answer.Data
}

func begun(id string, at time.Time) *store.SessionBegun {
	return &store.SessionBegun{Record: store.Record{Session: store.Session{SessionID: id, VisitorID: id, StartedAt: at, LastSeenAt: at}, Version: 1}}
}

func TestNew_NamesWhatIsMissing(t *testing.T) {
	_, err := dashboard.New(dashboard.Config{})
	if err == nil {
		t.Fatal("a dashboard without a tracker and a reader is made: it would fail at the first request")
	}
	for _, field := range []string{"Config.Tracker: required", "Config.Reader: required"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("the error %q does not say %q: all mistakes are reported at once", err, field)
		}
	}
	tracker, archive := start(t, func(*footfall.Config) {})
	if _, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: archive, Lifetimes: store.Lifetimes{Idle: -time.Second}}); err == nil || !strings.Contains(err.Error(), "Config.Lifetimes") {
		t.Errorf("a negative lifetime gives %v, want an error that names Config.Lifetimes", err)
	}
}

func TestNew_WhatIsLeftOutIsTheTrackers(t *testing.T) {
	kiritimati, err := time.LoadLocation("Pacific/Kiritimati") // its day begins 14 hours before that of UTC
	if err != nil {
		t.Fatal(err)
	}
	tracker, archive := start(t, func(c *footfall.Config) { c.IdleTimeout, c.Location = 2*time.Hour, kiritimati })
	h, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: archive, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	const hourAgo, yesterday = "01970000-0000-7000-8000-000000000001", "01970000-0000-7000-8000-000000000002"
	today := report.Today(time.Now(), kiritimati)
	if err := archive.Append(t.Context(), []store.Fact{begun(hourAgo, time.Now().Add(-time.Hour)), begun(yesterday, today.Add(-3*time.Hour))}); err != nil {
		t.Fatal(err)
	}
	listed := ask[[]struct {
		SessionID string     `json:"sessionId"`
		EndedAt   *time.Time `json:"endedAt"`
	}](t, h, "/_footfall/api/sessions")
	if len(listed) != 2 || listed[0].SessionID == hourAgo && listed[0].EndedAt != nil || listed[1].SessionID == hourAgo && listed[1].EndedAt != nil {
		t.Errorf("listed are %+v: a session that was seen an hour ago is alive where the tracker's idle timeout is two hours", listed)
	}
	if d := ask[report.SessionDetail](t, h, "/_footfall/api/sessions/"+hourAgo); !d.Alive || d.Remaining < 3000 || d.Remaining > 3600 {
		t.Errorf("a session that was seen an hour ago is alive: %v, for %d s more; want an hour by the tracker's idle timeout", d.Alive, d.Remaining)
	}
	want := int64(0)
	for _, at := range []time.Time{time.Now().Add(-time.Hour), today.Add(-3 * time.Hour)} {
		if !at.Before(today) {
			want++
		}
	}
	if s := ask[report.Stats](t, h, "/_footfall/api/stats"); s.DailyVisits != want || s.Sessions != 2 {
		t.Errorf("%d visits of the day and %d sessions in all, want %d of the day that began at %v in the tracker's time zone, and 2", s.DailyVisits, s.Sessions, want, today)
	}
}

// failing is a reader that cannot read.
type failing struct{ report.Reader }

func (failing) Stats(context.Context, report.Window) (report.Stats, error) {
	return report.Stats{}, store.ErrUnavailable
}

func TestNew_WithoutALoggerLogsToTheDefaultOne(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Writer(&log), nil)))
	tracker, archive := start(t, func(*footfall.Config) {})
	h, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: failing{archive}, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_footfall/api/stats", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(log.String(), "a store does not answer") {
		t.Errorf("a reader that fails gives %d and logs %q, want 503 and a line in the default log", w.Code, log.String())
	}
}

func TestApply_NamesOneThing(t *testing.T) {
	tracker, _ := start(t, func(*footfall.Config) {})
	for _, r := range []dashboard.Revocation{{}, {SessionID: "s", CustomerID: "c"}} {
		if done, err := r.Apply(t.Context(), tracker); err == nil || done.Revoked {
			t.Errorf("%+v gives %+v, %v: a revocation names a session or a customer", r, done, err)
		}
	}
}
