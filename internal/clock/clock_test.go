package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/store"
)

func TestNewID_TellsItsTimeAndKeepsOrder(t *testing.T) {
	before := Now()
	id := NewID()
	if at := IDTime(id); at.Before(before) || at.After(time.Now()) {
		t.Errorf("the id was made at %v, and says %v", before, at)
	}
	if id.Version() != 7 || id.Variant() != 1 {
		t.Errorf("id %s: version %d, variant %v", id, id.Version(), id.Variant())
	}
	synctest.Test(t, func(t *testing.T) {
		for last := NewID().String(); ; {
			time.Sleep(time.Microsecond)
			next := NewID().String()
			if next <= last {
				t.Fatalf("%s was made after %s and sorts before it", next, last)
			}
			if last = next; IDTime(NewID()).Nanosecond() > int(2*time.Millisecond) {
				return
			}
		}
	})
}

func TestMillis_ZeroStaysZero(t *testing.T) {
	if Millis(time.Time{}) != 0 || !FromMillis(0).IsZero() {
		t.Error("the zero time is stored as 0 and read back as zero")
	}
	if at := Now(); !FromMillis(Millis(at)).Equal(at) {
		t.Errorf("%v does not read back", at)
	}
}

// ahead is an archive whose clock differs from this machine's.
type ahead struct {
	store.Archive
	by  time.Duration
	err error
}

func (a *ahead) Now(context.Context) (time.Time, error) { return time.Now().Add(-a.by), a.err }

func TestShared_TimesAreToldByTheArchivesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		archive := &ahead{by: time.Hour}
		s := NewShared(archive)
		at := Now()
		if got := s.FromLocal(at); !got.Equal(at) {
			t.Errorf("before the first measurement the offset is %v, want none", at.Sub(got))
		}
		if by, err := s.Measure(t.Context()); by != time.Hour || err != nil {
			t.Fatalf("measured %v, %v", by, err)
		}
		if got := s.FromLocal(at); !got.Equal(at.Add(-time.Hour)) {
			t.Errorf("told as %v, want an hour earlier than %v", got, at)
		}
		if latest, limited := s.Latest(); !limited || latest.After(at.Add(-time.Hour+clampAhead)) {
			t.Errorf("the latest time is %v (%v): a clock that is an hour ahead must not put facts into the future", latest, limited)
		}
		archive.err = errors.New("away")
		if _, err := s.Measure(t.Context()); err == nil {
			t.Error("a measurement that failed returns no error")
		}
		if got := s.FromLocal(at); !got.Equal(at.Add(-time.Hour)) {
			t.Error("a measurement that failed changed the offset")
		}
		archive.err, archive.by = nil, minOffset/2
		if by, _ := s.Measure(t.Context()); by != 0 {
			t.Errorf("an offset of %v is measured as %v: it is the way to the archive", archive.by, by)
		}
		if _, limited := s.Latest(); limited {
			t.Error("a clock that agrees with the archive's needs no limit")
		}
	})
}
