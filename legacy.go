package footfall

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/live"
)

// The Express service that a shop may come from signed a bare UUID as its
// session cookie, with the same secret, and kept the session under that id in the
// hot store. Until Config.LegacyUntil such a session is adopted, once: it gets an
// id and a secret of ours, and its cookie is replaced. All requests that a browser
// had under way then get the same one.

// A legacyRecord is a session as that service cached it.
type legacyRecord struct {
	SessionID  string    `json:"sessionId"`
	VisitorID  string    `json:"visitorId"`
	CustomerID string    `json:"customerId"`
	Type       string    `json:"type"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	SecretHash string    `json:"secretHash"` // not in one of theirs
	EndedAt    *string   `json:"endedAt"`    // nor this
}

// An adoption is what the hot store keeps of a legacy session that was adopted.
type adoption struct {
	SessionID uuid.UUID `json:"adoptedAs"`
	At        int64     `json:"adoptedAt"`
}

// parseLegacyValue reads the value of a legacy session cookie. No value of ours
// looks like one.
func parseLegacyValue(value []byte) (id uuid.UUID, ok bool) {
	id, ok = cookie.ParseUUID(value)
	return id, ok && id.Version() == 4
}

// resolveLegacy adopts the session of a legacy cookie and returns its token.
func (t *Tracker) resolveLegacy(r *http.Request, id uuid.UUID, left *time.Duration) (token cookie.Token, e *live.Entry, s standing, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), max(*left, time.Millisecond))
	defer func() {
		cancel()
		*left -= time.Since(began)
		if err != nil {
			t.counts.unresolved.Add(1)
		}
	}()
	as, rec, err := t.adoptedAs(ctx, id)
	if err != nil || as == uuid.Nil {
		return token, nil, worthless, err
	}
	first := rec != nil
	token = cookie.Token{ID: as, Secret: t.legacySecret(id, as)}
	hash := token.Secret.Hash()
	for try := 0; ; try++ {
		if e, err = t.load(ctx, as); err != nil && !errors.Is(err, errNotYet) {
			return token, nil, worthless, err
		}
		if e != nil {
			s, _ = t.judge(e, &hash, clock.Now())
			return token, e, s, nil
		}
		if !first {
			if rec, err = t.legacyRecord(ctx, id); err != nil {
				return token, nil, worthless, err
			}
		}
		mine := false
		if rec != nil {
			// A hot store may be put back to an earlier state: the archive remembers.
			if mine, err = t.archive.Unguarded().ClaimSlot(ctx, "legacy:"+id.String(), adoptionSlot); err != nil {
				return token, nil, worthless, archiveError(err)
			}
		}
		switch {
		case mine:
			e, err = t.adoptLegacy(ctx, r, token, id, rec)
			return token, e, current, err
		case first && try >= adoptionTries: // it was adopted long ago
			err = t.noteAdoption(ctx, id, adoption{}, 1)
			return token, nil, worthless, err
		case !clock.Sleep(ctx, 10*time.Millisecond): // another request was adopting it at this moment
			return token, nil, worthless, fmt.Errorf("%w: a legacy session is being adopted", ErrUnavailable)
		}
	}
}

// adoptionTries are how often, 10 ms apart, a request looks for the session that
// another one may be making of the same legacy session.
const adoptionTries = 20

// adoptionSlot is the one slot of an adoption, kept for good.
var adoptionSlot = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// adoptedAs is the session that a legacy one was adopted as: none if there is no
// such session, or its cookie was replaced some time ago. With a record it is one
// that has just been named for it.
func (t *Tracker) adoptedAs(ctx context.Context, id uuid.UUID) (as uuid.UUID, rec *legacyRecord, err error) {
	for try := range 3 {
		doc, _, _, _, err := t.guarded.Read(ctx, adoptionKey(id))
		if err != nil {
			return uuid.Nil, nil, unavailable(err)
		}
		if doc != nil {
			var a adoption
			if json.Unmarshal(doc, &a) != nil || clock.Now().Sub(clock.FromMillis(a.At)) > live.SupersededGrace {
				return uuid.Nil, nil, nil
			}
			return a.SessionID, nil, nil
		}
		if rec, err = t.legacyRecord(ctx, id); err != nil {
			return uuid.Nil, nil, err
		}
		if rec == nil && try == 0 { // another request may have just adopted it
			continue
		}
		if rec == nil {
			return uuid.Nil, nil, nil
		}
		a := adoption{clock.NewID(), clock.Now().UnixMilli()}
		switch err := t.noteAdoption(ctx, id, a, 0); {
		case err == nil:
			return a.SessionID, rec, nil
		case !errors.Is(err, errNoted):
			return uuid.Nil, nil, err
		}
	}
	return uuid.Nil, nil, fmt.Errorf("%w: a legacy session is being adopted", ErrUnavailable)
}

func adoptionKey(id uuid.UUID) string { return "legacy-" + id.String() }

var errNoted = errors.New("footfall: another request was faster")

// noteAdoption puts an adoption into the hot store in place of a previous version.
func (t *Tracker) noteAdoption(ctx context.Context, id uuid.UUID, a adoption, previous int64) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return err
	}
	stored, err := t.guarded.Put(ctx, adoptionKey(id), "legacy", doc, previous, previous+1, t.lives.Absolute)
	if err != nil {
		return unavailable(err)
	}
	if !stored {
		return errNoted
	}
	return nil
}

// legacyRecord reads a live session of the former service, nil if there is none.
func (t *Tracker) legacyRecord(ctx context.Context, id uuid.UUID) (*legacyRecord, error) {
	doc, version, _, _, err := t.guarded.Read(ctx, id.String())
	if err != nil {
		return nil, unavailable(err)
	}
	var rec legacyRecord
	if doc == nil || version != 0 || json.Unmarshal(doc, &rec) != nil || rec.SecretHash != "" || rec.EndedAt != nil || rec.SessionID != id.String() {
		return nil, nil
	}
	if idle := clock.Now().Sub(rec.LastSeenAt); idle >= t.lives.Idle || idle < -clock.MaxOffset {
		return nil, nil
	}
	return &rec, nil
}

// adoptLegacy begins a session that takes a legacy one's place.
func (t *Tracker) adoptLegacy(ctx context.Context, r *http.Request, token cookie.Token, id uuid.UUID, rec *legacyRecord) (*live.Entry, error) {
	visitor := clock.NewID()
	if v, err := uuid.Parse(rec.VisitorID); err == nil && v.Version() == 4 && v.String() == rec.VisitorID {
		visitor = v
	}
	e := t.newEntry(r, token, visitor, clock.Now())
	if c := rec.CustomerID; rec.Type == string(Customer) && c != "" && enrich.Text(c, maxCustomerID) == c {
		// When its password was checked is not known: any revocation ends it.
		e.GiveTo(c, time.Time{}, nil)
	}
	e.SeeCookie()
	if !t.begin(r, e, nil).stored {
		if _, err := t.out.Commit(ctx, nil, &SessionBegun{Record: live.Beginning(e.Snapshot())}); err != nil {
			return nil, err
		}
	}
	t.counts.adopted.Add(1)
	if err := t.hot.Delete(ctx, id.String()); err != nil { // it would end by itself
		t.guarded.CountError()
	}
	return e, nil
}

// legacySecret is the secret of an adopted session, the same for all requests
// that adopt it.
func (t *Tracker) legacySecret(id, as uuid.UUID) (s cookie.Secret) {
	purpose := hmac.New(sha256.New, []byte(t.config.Secrets[0]))
	purpose.Write([]byte("footfall: adoption of a legacy session"))
	mac := hmac.New(sha256.New, purpose.Sum(nil))
	mac.Write(id[:])
	mac.Write(as[:])
	mac.Sum(s[:0])
	return s
}

// openLegacy is what a cookie of the former service does for a visit.
func (v *visit) openLegacy(value []byte) (handled bool) {
	t := v.t
	id, ok := parseLegacyValue(value)
	if !ok || !clock.Now().Before(t.config.LegacyUntil) {
		return false
	}
	token, e, s, err := t.resolveLegacy(v.r, id, &v.left)
	if err != nil && errors.Is(err, ErrUnavailable) {
		v.err = err
		return true
	}
	if s == superseded && err == nil { // it has logged in meanwhile: its cookie is on its way
		v.token, v.hasToken, v.entry, v.standing = token, true, e, s
		return true
	}
	if s != current || err != nil {
		return false
	}
	v.token, v.hasToken, v.entry, v.standing = token, true, e, s
	v.setSession = t.keys.Sign(token.Value())
	if visitor, err := uuid.Parse(e.VisitorID()); err == nil {
		v.setVisitor = visitor
	}
	return true
}

func unavailable(err error) error { return fmt.Errorf("%w: hot store: %w", ErrUnavailable, err) }
