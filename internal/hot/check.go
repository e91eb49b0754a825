package hot

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// timesMayDiffer is how far apart the clocks of two instances may have been when
// they wrote the times of one document.
const timesMayDiffer = time.Hour

// check says why a document that is JSON cannot be what this project stored under
// the id. Everything that a decision depends on is compared with what is known
// without the document: the id, which says when the session began, and the version
// that the store compares.
func (s *Stored) check(d *live.Document) error {
	id, err := uuid.Parse(s.id)
	if err != nil || d.SessionID != s.id {
		return fmt.Errorf("session record: it is that of session %.40q", d.SessionID)
	}
	if d.Version <= 0 || d.Version != s.Version {
		return fmt.Errorf("session record: the document is of version %d, the record of version %d", d.Version, s.Version)
	}
	if !isSeries(d.Series) {
		return fmt.Errorf("session record: the series is %.40q", d.Series)
	}
	if _, err := uuid.Parse(d.VisitorID); err != nil {
		return fmt.Errorf("session record: the visitor is %.40q", d.VisitorID)
	}
	if d.SecretHash == (store.SecretHash{}) {
		return errors.New("session record: there is no secret hash")
	}
	if d.PageViews < 0 || s.Merged.Views < 0 || d.Events < 0 || s.Merged.Events < 0 || d.Orders < 0 || s.Merged.Orders < 0 {
		return fmt.Errorf("session record: %d page views, and %d merged ones", d.PageViews, s.Merged.Views)
	}
	begun := clock.IDTime(id)
	latest := begun.Add(s.lives.WithDefaults().Absolute + timesMayDiffer)
	switch {
	case d.StartedAt.IsZero():
		return errors.New("session record: it has no start")
	case d.StartedAt.After(begun.Add(timesMayDiffer)):
		return fmt.Errorf("session record: it started at %s, and its id is of %s", d.StartedAt, begun)
	case d.LastSeenAt.Before(d.StartedAt.Add(-timesMayDiffer)):
		return fmt.Errorf("session record: it was last seen at %s, before it started", d.LastSeenAt)
	}
	for _, at := range [...]time.Time{d.LastSeenAt, d.AuthenticatedAt, d.RotatedAt, d.RestoredAt} {
		if at.After(latest) {
			return fmt.Errorf("session record: it has the time %s, and the session's longest life is over at %s", at, latest)
		}
	}
	return nil
}

// isSeries reports whether s is a word that a store takes as a series.
func isSeries(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}
