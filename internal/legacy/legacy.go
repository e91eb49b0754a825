package legacy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// Options of [New]; all are required.
type Options struct {
	Until     time.Time // from then on nothing is adopted
	Secret    string    // that signs cookies
	Hot       *guard.Hot
	Archive   *guard.Archive
	Sessions  *sessions.Sessions
	Describe  *sessions.Describer
	Lifetimes store.Lifetimes
	Counts    *count.Set
}

// Legacy is safe for concurrent use.
type Legacy struct {
	Options
	adopted *atomic.Uint64
}

// New returns what adopts sessions until a time.
func New(o Options) *Legacy {
	return &Legacy{Options: o, adopted: o.Counts.New("legacy_adopted", "Sessions of the Express service that were continued as Footfall's.")}
}

// An Adopted session took a legacy one's place.
type Adopted struct {
	Token    cookie.Token
	Entry    *live.Entry
	Standing sessions.Standing // Current, or Superseded if it has logged in since
}

// A record is a session as that service cached it.
type record struct {
	SessionID  string    `json:"sessionId"`
	VisitorID  string    `json:"visitorId"`
	CustomerID string    `json:"customerId"`
	Type       string    `json:"type"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	SecretHash string    `json:"secretHash"` // not in one of theirs
	EndedAt    *string   `json:"endedAt"`    // nor this
}

// A note is what the hot store keeps of a legacy session that was adopted.
type note struct {
	SessionID uuid.UUID `json:"adoptedAs"`
	At        int64     `json:"adoptedAt"`
}

const (
	// A request that finds its legacy session being adopted by another one looks for
	// the new session so often, and so long after each look.
	looks     = 20
	lookAgain = 10 * time.Millisecond

	maxCustomerID = 128
)

// claim is the one slot of each adoption, which the archive keeps for good. A hot
// store may be put back to an earlier state, and would have the session adopted again.
var claim = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

var errNoted = errors.New("footfall: another request was faster")

func hotError(err error) error {
	return fmt.Errorf("%w: hot store: %w", store.ErrUnavailable, err)
}

// Adopt looks at the value of a cookie with a good signature. It reports whether
// that is of a legacy session which was adopted, now or a moment ago. An error wraps
// [store.ErrUnavailable]: it cannot be known. What it takes goes off left.
func (l *Legacy) Adopt(r *http.Request, value []byte, left *time.Duration) (a Adopted, ok bool, err error) {
	id, ok := cookie.ParseUUID(value) // no value of ours is a bare UUID
	if !ok || id.Version() != 4 || !clock.Now().Before(l.Until) {
		return Adopted{}, false, nil
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), max(*left, time.Millisecond))
	defer cancel()
	a, err = l.adopt(ctx, r, id)
	*left -= time.Since(began)
	if err != nil {
		l.Sessions.CountUnresolved()
	}
	ok = a.Standing == sessions.Current || a.Standing == sessions.Superseded
	return a, ok && err == nil, err
}

func (l *Legacy) adopt(ctx context.Context, r *http.Request, id uuid.UUID) (a Adopted, err error) {
	as, rec, err := l.adoptedAs(ctx, id)
	if err != nil || as == uuid.Nil {
		return a, err
	}
	first := rec != nil
	a.Token = cookie.Token{ID: as, Secret: l.secret(id, as)}
	for look := 0; ; look++ {
		a.Entry, a.Standing, err = l.Sessions.Stored(ctx, &a.Token)
		if err != nil && !errors.Is(err, sessions.ErrNotYet) {
			return a, err
		}
		if a.Entry != nil {
			return a, nil
		}
		if !first {
			if rec, err = l.read(ctx, id); err != nil {
				return a, err
			}
		}
		mine := false
		if rec != nil {
			if mine, err = l.Archive.Unguarded().ClaimSlot(ctx, "legacy:"+id.String(), claim); err != nil {
				return a, fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
			}
		}
		switch {
		case mine:
			a.Entry, err = l.begin(ctx, r, &a.Token, id, rec)
			a.Standing = sessions.Current
			return a, err
		case first && look >= looks: // it was adopted long ago
			return a, l.note(ctx, id, note{}, 1)
		case !clock.Sleep(ctx, lookAgain): // another request was adopting it at this moment
			return a, fmt.Errorf("%w: a legacy session is being adopted", store.ErrUnavailable)
		}
	}
}

// adoptedAs is the session that a legacy one was adopted as: none if there is no
// such session, or its cookie was replaced some time ago. With a record it is one
// that has just been named for it.
func (l *Legacy) adoptedAs(ctx context.Context, id uuid.UUID) (as uuid.UUID, rec *record, err error) {
	for try := range 3 {
		doc, _, _, err := l.Hot.Read(ctx, noteKey(id))
		if err != nil {
			return uuid.Nil, nil, hotError(err)
		}
		if doc != nil {
			var n note
			if json.Unmarshal(doc, &n) != nil || clock.Now().Sub(clock.FromMillis(n.At)) > live.SupersededGrace {
				return uuid.Nil, nil, nil
			}
			return n.SessionID, nil, nil
		}
		if rec, err = l.read(ctx, id); err != nil {
			return uuid.Nil, nil, err
		}
		if rec == nil && try == 0 { // another request may have just adopted it
			continue
		}
		if rec == nil {
			return uuid.Nil, nil, nil
		}
		n := note{clock.NewID(), clock.Now().UnixMilli()}
		switch err := l.note(ctx, id, n, 0); {
		case err == nil:
			return n.SessionID, rec, nil
		case !errors.Is(err, errNoted):
			return uuid.Nil, nil, err
		}
	}
	return uuid.Nil, nil, fmt.Errorf("%w: a legacy session is being adopted", store.ErrUnavailable)
}

func noteKey(id uuid.UUID) string { return "legacy-" + id.String() }

// note puts a note into the hot store in place of a previous version.
func (l *Legacy) note(ctx context.Context, id uuid.UUID, n note, previous int64) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	stored, err := l.Hot.Put(ctx, noteKey(id), "legacy", doc, previous, previous+1, l.Lifetimes.Absolute)
	if err != nil {
		return hotError(err)
	}
	if !stored {
		return errNoted
	}
	return nil
}

// read reads a live session of the former service, nil if there is none.
func (l *Legacy) read(ctx context.Context, id uuid.UUID) (*record, error) {
	doc, version, _, err := l.Hot.Read(ctx, id.String())
	if err != nil {
		return nil, hotError(err)
	}
	var rec record
	if doc == nil || version != 0 || json.Unmarshal(doc, &rec) != nil || rec.SecretHash != "" || rec.EndedAt != nil || rec.SessionID != id.String() {
		return nil, nil
	}
	if idle := clock.Now().Sub(rec.LastSeenAt); idle >= l.Lifetimes.Idle || idle < -clock.MaxOffset {
		return nil, nil
	}
	return &rec, nil
}

// begin begins a session that takes a legacy one's place.
func (l *Legacy) begin(ctx context.Context, r *http.Request, token *cookie.Token, id uuid.UUID, rec *record) (*live.Entry, error) {
	visitor := clock.NewID()
	if v, err := uuid.Parse(rec.VisitorID); err == nil && v.Version() == 4 && v.String() == rec.VisitorID {
		visitor = v
	}
	e := l.Sessions.Begin(token.ID, l.Describe.Record(r, token, visitor, clock.Now()), live.SiblingKey{})
	if c := rec.CustomerID; rec.Type == string(store.TypeCustomer) && c != "" && enrich.Text(c, maxCustomerID) == c {
		e.GiveTo(c, time.Time{}, nil) // when its password was checked is not known: any revocation ends it
	}
	e.SeeCookie()
	if err := l.Sessions.AnnounceDurably(ctx, e); err != nil {
		return nil, err
	}
	l.adopted.Add(1)
	if err := l.Hot.Delete(ctx, id.String()); err != nil { // it would end by itself
		l.Hot.CountError()
	}
	return e, nil
}

// secret is the secret of an adopted session, the same for all requests that adopt
// it.
func (l *Legacy) secret(id, as uuid.UUID) (s cookie.Secret) {
	purpose := hmac.New(sha256.New, []byte(l.Secret))
	purpose.Write([]byte("footfall: adoption of a legacy session"))
	mac := hmac.New(sha256.New, purpose.Sum(nil))
	mac.Write(id[:])
	mac.Write(as[:])
	mac.Sum(s[:0])
	return s
}
