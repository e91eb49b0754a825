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
}

const (
	// A request that finds its legacy session being adopted by another one looks for
	// the new session so often, so long after each look. Then it finishes the adoption
	// itself: the other one may have ended in its midst.
	looks     = 2
	lookAgain = 10 * time.Millisecond

	maxCustomerID = 128
)

func hotError(err error) error {
	return fmt.Errorf("%w: hot store: %w", store.ErrUnavailable, err)
}

func archiveError(err error) error {
	return fmt.Errorf("%w: archive: %w", store.ErrUnavailable, err)
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

// adopt continues a legacy session as the one that the archive names for it. Each
// step can be repeated, by any instance, and by a later request if this one ends in
// its midst.
func (l *Legacy) adopt(ctx context.Context, r *http.Request, id uuid.UUID) (a Adopted, err error) {
	as, rec, err := l.named(ctx, id)
	if err != nil || as == uuid.Nil {
		return a, err
	}
	a.Token = cookie.Token{ID: as, Secret: l.secret(id, as)}
	if rec != nil { // nobody can have begun it
		return l.begin(ctx, r, a, rec)
	}
	lately := clock.Now().Sub(clock.IDTime(as)) < live.SupersededGrace
	for look := 0; ; look++ {
		e, standing, err := l.Sessions.Stored(ctx, &a.Token)
		switch {
		case e != nil && clock.Now().Sub(e.StartedAt()) > live.SupersededGrace: // its cookie was replaced some time ago
			return a, nil
		case e != nil:
			a.Entry, a.Standing = e, standing
			return a, nil
		case err != nil && !errors.Is(err, sessions.ErrNotYet):
			return a, err
		case !lately || look >= looks:
			return l.finish(ctx, r, a, id)
		case !clock.Sleep(ctx, lookAgain):
			return a, fmt.Errorf("%w: a legacy session is being adopted", store.ErrUnavailable)
		}
	}
}

// finish begins the session of an adoption that nobody finished. If it has been there,
// it is over.
func (l *Legacy) finish(ctx context.Context, r *http.Request, a Adopted, id uuid.UUID) (Adopted, error) {
	rec, err := l.read(ctx, id)
	if err != nil || rec == nil {
		return a, err
	}
	_, over, err := l.Archive.Session(ctx, a.Token.ID.String())
	if err != nil {
		return a, archiveError(err)
	}
	if over {
		return a, nil
	}
	return l.begin(ctx, r, a, rec)
}

// named is the session that a legacy one is adopted as: none if there is no such
// session. With a record it was named by this request.
func (l *Legacy) named(ctx context.Context, id uuid.UUID) (as uuid.UUID, rec *record, err error) {
	if as, err = l.noted(ctx, id); err != nil || as != uuid.Nil {
		return as, nil, err
	}
	if rec, err = l.read(ctx, id); err != nil {
		return uuid.Nil, nil, err
	}
	if rec == nil { // another request may have just adopted it
		as, err = l.noted(ctx, id)
		return as, nil, err
	}
	// The archive keeps the name for good: a hot store that is put back to an earlier
	// state, and has the record again, does not have it adopted as another session.
	proposed := clock.NewID()
	first, err := l.Archive.Unguarded().KeepFirst(ctx, "legacy:"+id.String(), proposed.String())
	if err == nil {
		as, err = uuid.Parse(first)
	}
	if err != nil {
		return uuid.Nil, nil, archiveError(err)
	}
	l.note(ctx, id, as)
	if as != proposed {
		rec = nil
	}
	return as, rec, nil
}

// noted is the name in the hot store's note, none if there is no note.
func (l *Legacy) noted(ctx context.Context, id uuid.UUID) (uuid.UUID, error) {
	doc, _, _, err := l.Hot.Read(ctx, noteKey(id))
	if err != nil {
		return uuid.Nil, hotError(err)
	}
	var n note
	if doc == nil || json.Unmarshal(doc, &n) != nil || n.SessionID.Version() != 7 { // a damaged note is none
		return uuid.Nil, nil
	}
	return n.SessionID, nil
}

func noteKey(id uuid.UUID) string { return "legacy-" + id.String() }

// note has other requests find the name in the hot store. It need not succeed: the
// archive has it.
func (l *Legacy) note(ctx context.Context, id, as uuid.UUID) {
	doc, err := json.Marshal(note{as})
	if err == nil {
		_, err = l.Hot.Put(ctx, noteKey(id), "legacy", doc, 0, 1, l.Lifetimes.Absolute)
	}
	if err != nil {
		l.Hot.CountError()
	}
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

// begin begins the session that takes a legacy one's place.
func (l *Legacy) begin(ctx context.Context, r *http.Request, a Adopted, rec *record) (Adopted, error) {
	visitor := clock.NewID()
	if v, err := uuid.Parse(rec.VisitorID); err == nil && v.Version() == 4 && v.String() == rec.VisitorID {
		visitor = v
	}
	e := l.Sessions.Begin(a.Token.ID, l.Describe.Record(r, &a.Token, visitor, clock.Now()), live.SiblingKey{})
	if c := rec.CustomerID; rec.Type == string(store.TypeCustomer) && c != "" && enrich.Text(c, maxCustomerID) == c {
		e.GiveTo(c, time.Time{}, nil) // when its password was checked is not known: any revocation ends it
	}
	e.SeeCookie()
	if err := l.Sessions.AnnounceDurably(ctx, e); err != nil {
		return a, err
	}
	l.adopted.Add(1)
	a.Entry, a.Standing = e, sessions.Current
	return a, nil
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
