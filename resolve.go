package footfall

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
)

// A standing is what a session token is worth.
type standing int

const (
	worthless  standing = iota // unknown, ended or expired
	unsure                     // of a live session, but who is logged in cannot be known: for counting only
	superseded                 // an older secret of a live session: for counting only
	current                    // the secret of a live session
)

// errNotYet says that a session began so lately that its beginning may be in
// another instance's journal alone.
var errNotYet = fmt.Errorf("%w: the session's beginning has not arrived yet", ErrUnavailable)

func archiveError(err error) error { return fmt.Errorf("%w: archive: %w", ErrUnavailable, err) }

// resolve finds out what a token is worth. Unless fresh is asked for, it
// believes what this process holds for a short time; then it reads the hot store
// once and, if the session is missing there, the archive once. An error means
// that it cannot be known; the entry that may come with it is good for counting.
// What it takes goes off left.
func (t *Tracker) resolve(ctx context.Context, token *cookie.Token, fresh bool, left *time.Duration) (*live.Entry, standing, error) {
	at := clock.Now()
	if at.Sub(clock.IDTime(token.ID)) >= t.lives.Absolute+time.Minute {
		return nil, worthless, nil // too old to be alive, whatever the stores say
	}
	hash := token.Secret.Hash()
	e := t.live.Get(token.ID)
	if e != nil && !fresh {
		if s, trusted := t.judge(e, &hash, at); trusted && s == current {
			return e, s, nil
		}
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(*left, time.Millisecond))
	defer func() {
		cancel()
		*left -= time.Since(began)
	}()
	read, err := t.load(ctx, token.ID)
	switch {
	case err != nil && fresh:
		t.counts.unresolved.Add(1)
		return nil, worthless, err
	case err != nil:
		return t.recall(ctx, token.ID, &hash, err)
	case read == nil:
		return nil, worthless, nil
	}
	s, _ := t.judge(read, &hash, clock.Now())
	if s == worthless && t.archive.Shared() {
		return t.resolveNewer(ctx, read, &hash)
	}
	return read, s, nil
}

// recall is what can be said of a token while the hot store says nothing: what
// this process holds, or what the archive does, is enough to count by. cause is
// why the hot store is silent.
func (t *Tracker) recall(ctx context.Context, id uuid.UUID, hash *SecretHash, cause error) (*live.Entry, standing, error) {
	e := t.live.Get(id)
	if e == nil && errors.Is(cause, hot.ErrFailed) {
		var ended bool
		if e, ended = t.loadDespiteHot(ctx, id); ended {
			return nil, worthless, nil
		}
	}
	if e == nil {
		t.counts.unresolved.Add(1)
		return nil, worthless, cause
	}
	switch s, _ := t.judge(e, hash, clock.Now()); {
	case s == worthless && e.HasEnded():
		return nil, worthless, nil // an end is final
	case s == worthless: // by what is known here; others may know of a newer secret, or of later activity
		t.counts.unresolved.Add(1)
		return nil, worthless, cause
	case e.HasCustomer():
		t.counts.unresolved.Add(1)
		return e, unsure, cause
	default:
		return e, s, nil
	}
}

// loadDespiteHot makes an entry of what the archive holds, to be read anew as
// soon as the hot store answers. Nil means that the archive has no live session
// of that id, or does not answer either; ended, that it was ended for good.
func (t *Tracker) loadDespiteHot(ctx context.Context, id uuid.UUID) (e *live.Entry, ended bool) {
	if t.out.AwaitReplay(ctx) != nil {
		return nil, false
	}
	t.counts.archiveReads.Add(1)
	rec, ok, err := t.archive.Session(ctx, id.String())
	if err != nil || !ok || t.lives.Remaining(&rec.Session, clock.Now()) == 0 {
		return nil, err == nil && ok && !rec.EndedAt.IsZero()
	}
	return t.adopt(id, live.Document{Record: rec, Series: t.names.Series()}, time.Time{}, true, 0), false
}

// resolveNewer looks at a session in the archive whose secret in the hot store is
// another than the token's: while the hot store took no writes, logins went to
// the archive. If the hot store had lost the session, the latest login may be in
// another instance's journal alone: then it cannot be known.
func (t *Tracker) resolveNewer(ctx context.Context, e *live.Entry, hash *SecretHash) (*live.Entry, standing, error) {
	rec := e.Snapshot()
	if e.HasEnded() || t.lives.Remaining(&rec.Session, clock.Now()) == 0 || t.revoked.CoversCustomer(&rec) {
		return e, worthless, nil
	}
	t.counts.archiveReads.Add(1)
	archived, ok, err := t.archive.Session(ctx, rec.SessionID)
	if err != nil {
		t.counts.unresolved.Add(1)
		return nil, worthless, archiveError(err)
	}
	if ok && archived.Version > rec.Version {
		e.MergeArchived(archived)
		if s, _ := t.judge(e, hash, clock.Now()); s != worthless {
			t.hot.Restore(ctx, e, rec.Version)
			return e, s, nil
		}
		if e.HasEnded() {
			return e, worthless, nil
		}
	}
	if lost := e.RestoredAt(); !lost.IsZero() && t.out.MayArrive(lost, clock.Now()) {
		t.counts.unresolved.Add(1)
		return nil, worthless, errNotYet
	}
	return e, worthless, nil
}

// judge says what a secret is worth for an entry, and whether the entry was
// read recently enough to be believed.
func (t *Tracker) judge(e *live.Entry, hash *SecretHash, at time.Time) (s standing, trusted bool) {
	rec, sight := e.Look(hash, at)
	return t.judgeSight(&rec, sight, at)
}

func (t *Tracker) judgeSight(rec *Record, sight live.Sight, at time.Time) (s standing, trusted bool) {
	age := at.Sub(sight.ReadAt)
	trusted = age < anonymousTrust && (rec.CustomerID == "" || age < customerTrust)
	if t.revoked.Covers(rec) || t.lives.Remaining(&rec.Session, at) == 0 { // also by a version that this copy does not have
		return worthless, trusted
	}
	switch sight.Match {
	case live.Current:
		return current, trusted
	case live.Superseded:
		used := sight.SecretUsed
		if used.IsZero() && t.archive.Shared() { // another instance may have seen its successor
			used = live.UsedSince(rec)
		}
		if used.IsZero() || at.Sub(used) < live.SupersededGrace {
			return superseded, trusted
		}
	}
	return worthless, trusted
}
