package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/hot"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// A Standing is what a session token is worth.
type Standing int

// What a token can be worth.
const (
	Worthless       Standing = iota // unknown, ended or expired
	UnknownCustomer                 // of a live session, but who is logged in cannot be known: for counting only
	Superseded                      // an older secret of a live session: for counting only
	Current                         // the secret of a live session
)

// A Purpose is what a session is looked up for.
type Purpose int

// What a session can be looked up for.
const (
	// ToCount: what this process holds is believed for a short time, and while the hot
	// store fails anything that anybody knows.
	ToCount Purpose = iota
	// ToKnow: the stores are read. Only they say who is logged in.
	ToKnow
	// ToChange: as ToKnow; but while the hot store fails, the archive is sufficient. It
	// may lag behind: that is enough for a logout, and for a login after a password
	// check, but not to let anybody in.
	ToChange
)

// Find finds out what a token is worth, by one read of the hot store and, if the
// session or the secret is missing there, one of the archive. An error wraps
// [store.ErrUnavailable]: it cannot be known. The entry that may come with an error
// is good for counting only. The time that Find takes is subtracted from left.
//
// While the hot store fails:
//
//	what is known of the session           ToCount                      ToKnow  ToChange
//	it was ended                           Worthless                    error   Worthless
//	no customer; the secret is current     Current, with an error       error   Current
//	no customer; the secret is superseded  Superseded, with an error    error   error
//	a customer; the secret is current      UnknownCustomer, with error  error   Current
//	a customer; the secret is superseded   UnknownCustomer, with error  error   error
//	another secret, expired, revoked       error                        error   error
//	nothing                                error                        error   error
//
// "Known" is what this process holds, otherwise what the archive has; for ToChange
// both, the higher version of the two. If this process holds nothing, it is enough what
// the archive said a moment ago of a session that is over, or that it does not know. While
// the archive fails, and the hot store lacks the session, only what this process holds is
// known, and ToChange is an error.
func (s *Sessions) Find(ctx context.Context, token *cookie.Token, purpose Purpose, left *time.Duration) (*live.Entry, Standing, error) {
	at := clock.Now()
	if at.Sub(clock.IDTime(token.ID)).Abs() >= s.lives.Absolute+time.Minute {
		return nil, Worthless, nil // too old to be alive, or too far ahead, whatever the stores say
	}
	hash := token.Secret.Hash()
	if purpose == ToCount {
		if e := s.table.Get(token.ID); e != nil {
			if standing, trusted := s.judge(e, &hash, at); trusted && standing == Current {
				return e, standing, nil
			}
		}
	}
	began := time.Now()
	reading := clock.NewWithin(context.WithoutCancel(ctx), max(*left, time.Millisecond))
	defer reading.Stop()
	e, standing, err := s.findStored(reading, token.ID, &hash, purpose != ToChange)
	switch {
	case err != nil && purpose == ToCount:
		e, standing, err = s.recall(reading, token.ID, &hash, purpose, err)
	case purpose == ToChange && errors.Is(err, hot.ErrFailed):
		e, standing, err = s.recall(ctx, token.ID, &hash, purpose, err)
	}
	*left -= time.Since(began)
	if err != nil {
		s.unresolved.Add(1)
	}
	return e, standing, err
}

// findStored finds out what a secret is worth by what the stores hold. lately is as in readIf.
func (s *Sessions) findStored(ctx context.Context, id uuid.UUID, hash *store.SecretHash, lately bool) (*live.Entry, Standing, error) {
	held := s.table.Get(id)
	e, err := s.readIf(ctx, id, lately)
	if err != nil || e == nil {
		return nil, Worthless, err
	}
	standing, _ := s.judge(e, hash, clock.Now())
	if standing == Worthless && s.archive.Shared() {
		if standing, err = s.findNewer(ctx, e, hash); err != nil {
			return nil, Worthless, err
		}
	}
	if standing == Worthless {
		return nil, Worthless, nil
	}
	if e != held { // otherwise its entry knows that the cookie was seen
		s.siblings.CameBack(id)
	}
	return e, standing, nil
}

// findNewer looks at a session in the archive whose secret in the hot store is
// another than the one presented: while the hot store took no writes, logins went to
// the archive. If the hot store had lost the session, the latest login may be in
// another instance's journal alone: then it cannot be known.
func (s *Sessions) findNewer(ctx context.Context, e *live.Entry, hash *store.SecretHash) (Standing, error) {
	rec := e.Snapshot()
	if !rec.EndedAt.IsZero() || s.lives.Remaining(&rec.Session, clock.Now()) == 0 || s.revoked.CoversCustomer(&rec) {
		return Worthless, nil
	}
	at, key := clock.Now(), goneKey(hash[:])
	if s.gone.knows(key, at) {
		return Worthless, nil
	}
	archived, ok, err := s.readArchive(ctx, rec.SessionID)
	if err != nil {
		return Worthless, err
	}
	if ok && archived.Version > rec.Version {
		if err := s.confirm(ctx, &archived); err != nil {
			return Worthless, err
		}
		e.MergeArchived(archived)
		if standing, _ := s.judge(e, hash, clock.Now()); standing != Worthless {
			s.hot.Restore(ctx, e, rec.Version)
			return standing, nil
		}
		if e.HasEnded() {
			return Worthless, nil
		}
	}
	if lost := e.RestoredAt(); !lost.IsZero() && s.out.MayArrive(lost, clock.Now()) {
		return Worthless, ErrNotYet
	}
	s.gone.note(key, at, goneShort)
	return Worthless, nil
}

// recall judges a token while a store fails, from memory or the archive, by the
// table above. cause is the store's error.
func (s *Sessions) recall(ctx context.Context, id uuid.UUID, hash *store.SecretHash, purpose Purpose, cause error) (*live.Entry, Standing, error) {
	e := s.table.Get(id)
	if at, key := clock.Now(), goneKey(id); purpose == ToChange || e == nil && errors.Is(cause, hot.ErrFailed) {
		switch {
		case e != nil:
		case s.gone.knows(key, at):
			return nil, Worthless, nil
		case s.silent.knows(key, at):
			return nil, Worthless, cause
		}
		archived, ok, err := s.readSettledArchive(ctx, id)
		switch {
		case err != nil && purpose == ToChange:
			return nil, Worthless, err
		case err != nil:
			return nil, Worthless, cause
		case ok && e != nil:
			e.MergeArchived(archived)
		case ok && !archived.EndedAt.IsZero():
			s.gone.note(key, at, goneLong)
			return nil, Worthless, nil // an end is final
		case ok && s.lives.Remaining(&archived.Session, clock.Now()) > 0:
			e = s.keepArchived(id, archived, time.Time{}) // to be read again as soon as the hot store answers
		default:
			s.silent.note(key, at, goneShort)
		}
	}
	if e == nil {
		return nil, Worthless, cause
	}
	standing, _ := s.judge(e, hash, clock.Now())
	if standing != Worthless {
		s.siblings.CameBack(id)
	}
	switch {
	case standing == Worthless && e.HasEnded():
		return nil, Worthless, nil
	case purpose == ToChange && standing == Current:
		return e, Current, nil
	case purpose == ToChange || standing == Worthless: // others may know of a newer secret, or of later activity
		return nil, Worthless, cause
	case e.HasCustomer():
		return e, UnknownCustomer, cause
	}
	return e, standing, cause
}

// Stored returns the session of a token as the stores have it, nil if there is none,
// and what the token is worth.
func (s *Sessions) Stored(ctx context.Context, token *cookie.Token) (*live.Entry, Standing, error) {
	e, err := s.read(ctx, token.ID)
	if err != nil || e == nil {
		return nil, Worthless, err
	}
	return e, s.Judge(e, token), nil
}

// CountUnresolved counts a look-up that failed because a store did.
func (s *Sessions) CountUnresolved() { s.unresolved.Add(1) }

// Judge says what a token is worth for an entry as this process holds it.
func (s *Sessions) Judge(e *live.Entry, token *cookie.Token) Standing {
	hash := token.Secret.Hash()
	standing, _ := s.judge(e, &hash, clock.Now())
	return standing
}

// isOver reports whether a session is over: revoked, also by a version that this record
// does not have, ended or expired.
func (s *Sessions) isOver(rec *store.Record, at time.Time) bool {
	return s.revoked.Covers(rec) || s.lives.Remaining(&rec.Session, at) == 0
}

// judge says what a secret is worth for an entry, and whether the entry was read
// recently enough to be believed.
func (s *Sessions) judge(e *live.Entry, hash *store.SecretHash, at time.Time) (standing Standing, trusted bool) {
	sight := e.Look(hash, at, s.over)
	age := at.Sub(sight.ReadAt)
	trusted = age < anonymousTrust && (!sight.HasCustomer || age < customerTrust)
	if sight.Over {
		return Worthless, trusted
	}
	switch sight.Match {
	case live.Current:
		return Current, trusted
	case live.Superseded:
		used := sight.SecretUsed
		if used.IsZero() && s.archive.Shared() { // another instance may have seen its successor
			used = sight.MayBeUsed
		}
		if used.IsZero() || at.Sub(used) < live.SupersededGrace {
			return Superseded, trusted
		}
	}
	return Worthless, trusted
}

// read reads a session from the hot store, and from the archive if it is missing
// there. Nil means that there is none.
func (s *Sessions) read(ctx context.Context, id uuid.UUID) (*live.Entry, error) {
	return s.readIf(ctx, id, false)
}

// readIf is read. With lately, what the archive said a moment ago is enough for a session
// that has no customer: nothing is about to change it.
func (s *Sessions) readIf(ctx context.Context, id uuid.UUID, lately bool) (*live.Entry, error) {
	held := int64(0) // before the reading: another request may write the session meanwhile
	if e := s.table.Get(id); e != nil {
		held = e.Version()
	}
	there, err := s.hot.Read(ctx, id.String())
	if err != nil {
		return nil, err
	}
	if there.Doc == nil || there.Version > 0 && there.Version < s.revoked.Lowest(id.String()) {
		return s.readLost(ctx, id, there.ReadAt, there.Version, lately && there.Doc == nil)
	}
	if e := s.table.Get(id); e != nil {
		// Before it counts as read: what is held here may name a customer that the
		// document does not.
		if err := s.confirmHeld(ctx, e); err != nil {
			return nil, err
		}
		if there.Version > 0 && there.Version < s.revoked.Lowest(id.String()) { // as the archive has just said
			return s.readLost(ctx, id, there.ReadAt, there.Version, false)
		}
		if e.Refresh(there.Version, there.Series(), there.Merged, there.ReadAt) { // nothing changed but activity: no need to decode
			return e, nil
		}
	}
	d, err := there.Decode()
	switch {
	case errors.Is(err, store.ErrNewer):
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case err != nil: // no record: the archive knows the session, or nobody does
		s.corruptions.Add(1)
		s.log.Warn("footfall: a corrupt record in the hot store was dropped", "sessionId", id, "error", err)
		if err := s.hot.Delete(ctx, id.String()); err != nil {
			return nil, err
		}
		return s.readLost(ctx, id, there.ReadAt, 0, false)
	}
	if err := s.confirm(ctx, &d.Record); err != nil {
		return nil, err
	}
	if there.Version > 0 && there.Version < s.revoked.Lowest(id.String()) {
		return s.readLost(ctx, id, there.ReadAt, there.Version, false)
	}
	e := s.keep(id, d, there.ReadAt, there.Merged, false)
	if held > there.Version && e.Version() > there.Version && !s.isRevoked(e) { // the hot store was put back to an earlier state
		s.hot.Restore(ctx, e, there.Version)
	}
	return e, nil
}

func (s *Sessions) isRevoked(e *live.Entry) bool {
	rec := e.Snapshot()
	return s.revoked.Covers(&rec)
}

// readLost reads a session that the hot store has lost, and puts it back there.
// stale is the version of a document in the hot store that does not count any more,
// 0 if there is none. lately is as in readIf.
func (s *Sessions) readLost(ctx context.Context, id uuid.UUID, readAt time.Time, stale int64, lately bool) (*live.Entry, error) {
	e, err := s.held(ctx, id)
	if err != nil {
		return nil, err
	}
	if e == nil {
		rec, known, over, err := s.readUnlessOver(ctx, id, readAt, lately)
		if err != nil || over || known != nil {
			return known, err
		}
		if err := s.confirm(ctx, &rec); err != nil {
			return nil, err
		}
		e = s.keepArchived(id, rec, readAt)
	}
	s.hot.Restore(ctx, e, stale)
	return e, nil
}

// held is a session as this process holds it, if the archive does not have all of it
// yet and nothing that this process knows revokes it; otherwise nil. Since the hot store
// has lost it, a shared archive's revocations are read before a customer's session is
// returned.
func (s *Sessions) held(ctx context.Context, id uuid.UUID) (*live.Entry, error) {
	e := s.table.Get(id)
	if e == nil || s.out.Holds(e) {
		return nil, nil
	}
	if s.archive.Shared() && e.HasCustomer() {
		if err := s.revoked.Follow(ctx); err != nil {
			return nil, archiveError(err)
		}
	}
	if s.isRevoked(e) {
		return nil, nil
	}
	return e, nil
}

// readSettledArchive reads a session from the archive once that holds what the last
// run left: before, it may miss an end.
func (s *Sessions) readSettledArchive(ctx context.Context, id uuid.UUID) (store.Record, bool, error) {
	if err := s.out.AwaitReplay(ctx); err != nil {
		return store.Record{}, false, err
	}
	return s.readArchive(ctx, id.String())
}

func (s *Sessions) readArchive(ctx context.Context, id string) (store.Record, bool, error) {
	s.archiveReads.Add(1)
	rec, ok, err := s.archive.Session(ctx, id)
	if err != nil {
		return store.Record{}, false, archiveError(err)
	}
	return rec, ok, nil
}

// keep makes an entry of what a store holds, or brings the one that is there up to
// date. Merged was counted on top of the document's own counts.
func (s *Sessions) keep(id uuid.UUID, d live.Document, readAt time.Time, merged store.Activity, archived bool) *live.Entry {
	e := live.Loaded(id, d, readAt, merged, archived, s.names)
	if !archived && !d.Unbegun && s.hot.InProcess() { // then this process wrote the document, and the beginning before it
		e.BeginningWritten(s.out.Last())
	}
	there := s.table.Add(e, s.out.Confirmed())
	if there == nil || there == e { // nil: the table is full of sessions that cannot go, so this one is not kept
		return e
	}
	if there.Keep(d, readAt, merged) {
		s.hot.Recount(there)
	}
	return there
}

func (s *Sessions) keepArchived(id uuid.UUID, rec store.Record, readAt time.Time) *live.Entry {
	return s.keep(id, live.Document{Record: rec, Series: s.names.Series()}, readAt, store.Activity{}, true)
}

// parseID reads the id of a session.
func parseID(id string) (uuid.UUID, error) {
	parsed, err := uuid.Parse(id)
	if err == nil && parsed.Version() != 7 {
		err = fmt.Errorf("footfall: %q is no session's id", id)
	}
	return parsed, err
}
