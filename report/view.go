package report

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/internal/day"
	"github.com/footfall-go/footfall/store"
)

// Today returns the start of the day that contains a moment, in the shop's time
// zone: the first moment of its date, which need not be midnight.
func Today(now time.Time, zone *time.Location) time.Time { return day.Of(now, zone).Start() }

// ParseDay returns the start of a day like 2006-01-02 in the shop's time zone. An
// empty text gives the zero time.
func ParseDay(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := day.Parse(text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day: write it like 2026-01-31", text)
	}
	return d.Start(), nil
}

// ParseLimit reads the greatest number of rows to return.
func ParseLimit(text string, otherwise, most int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q: use a whole number from 1 to %d", text, most)
	}
	return n, nil
}

// Sessions lists sessions. Those that have expired by f.Now are shown as ended.
func Sessions(ctx context.Context, r Reader, f Filter, l store.Lifetimes) ([]store.Session, error) {
	f = f.WithDefaults()
	sessions, err := r.Sessions(ctx, f)
	if err != nil {
		return nil, err
	}
	kept := sessions[:0]
	for _, s := range sessions {
		if s = l.Ended(s, f.Now); !f.Active || s.EndedAt.IsZero() {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// A SessionDetail is one session and the time it has left to live.
type SessionDetail struct {
	Session   store.Session `json:"session"`
	Alive     bool          `json:"alive"`
	Remaining int64         `json:"remainingSeconds"`
	ExpiresAt *time.Time    `json:"expiresAt"` // when it expires without further activity; null once it has ended
}

// Detail reads one session with its details.
func Detail(ctx context.Context, r Reader, id string, l store.Lifetimes, now time.Time) (SessionDetail, bool, error) {
	rec, ok, err := r.Session(ctx, id)
	if err != nil || !ok {
		return SessionDetail{}, false, err
	}
	d := SessionDetail{Session: l.Ended(rec.Session, now)}
	if remaining := l.Remaining(&rec.Session, now); remaining > 0 {
		end, _ := l.Deadline(&rec.Session)
		d.Alive, d.Remaining, d.ExpiresAt = true, int64((remaining+time.Second-1)/time.Second), &end
	}
	return d, true, nil
}
