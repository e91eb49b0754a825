package footfall

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/journal"
)

// A standing is what a session token is worth.
type standing int

const (
	worthless  standing = iota // unknown, ended or expired
	superseded                 // an older secret of a live session: finds the visit, for counting only
	current                    // the secret of a live session
)

// resolve finds out what a token is worth. Unless fresh is asked for, it
// believes what this process holds for a short time; then it reads the hot store
// once and, if the session is missing there, the archive once. An error means
// that it cannot be known.
func (t *Tracker) resolve(ctx context.Context, token *sessionToken, fresh bool) (*entry, standing, error) {
	at := now()
	if at.Sub(idTime(token.id)) >= t.lives.Absolute+time.Minute {
		return nil, worthless, nil // too old to be alive, whatever the stores say
	}
	hash := token.secret.hash()
	e := t.live.get(token.id)
	if e != nil && !fresh {
		if s, trusted := t.judge(e, &hash, at); trusted && s == current {
			return e, s, nil
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.config.StoreTimeout)
	defer cancel()
	read, err := t.load(ctx, token.id)
	if err != nil {
		t.counts.unresolved.Add(1)
		if e != nil && !fresh {
			if s, _ := t.judge(e, &hash, at); s != worthless && !e.isCustomer() {
				return e, s, nil
			}
		}
		return nil, worthless, err
	}
	if read == nil {
		return nil, worthless, nil
	}
	s, _ := t.judge(read, &hash, now())
	return read, s, nil
}

func (e *entry) isCustomer() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.CustomerID != ""
}

// judge says what a secret is worth for an entry, and whether the entry was
// read recently enough to be believed.
func (t *Tracker) judge(e *entry, hash *SecretHash, at time.Time) (s standing, trusted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	age := at.Sub(e.readAt)
	trusted = age < anonymousTrust && (e.rec.CustomerID == "" || age < customerTrust)
	cred := &e.rec.Cred
	if t.revoked.covers(&e.rec) { // also by a version that this copy does not have
		return worthless, trusted
	}
	if t.lives.Remaining(&e.rec.Session, at) == 0 {
		return worthless, trusted
	}
	if subtle.ConstantTimeCompare(cred.SecretHash[:], hash[:]) == 1 {
		if cred.Superseded != (SecretHash{}) && e.usedAt.IsZero() {
			e.usedAt = at
		}
		return current, trusted
	}
	if cred.Superseded != (SecretHash{}) && subtle.ConstantTimeCompare(cred.Superseded[:], hash[:]) == 1 {
		if e.usedAt.IsZero() || at.Sub(e.usedAt) < supersededGrace {
			return superseded, trusted
		}
	}
	return worthless, trusted
}

// load reads a session from the hot store, and from the archive if it is
// missing there. Nil means that there is none.
func (t *Tracker) load(ctx context.Context, id uuid.UUID) (*entry, error) {
	readAt := now()
	t.counts.hotReads.Add(1)
	doc, version, views, lastSeen, err := t.hot.Read(ctx, id.String())
	if err != nil {
		return nil, fmt.Errorf("%w: hot store: %w", ErrUnavailable, err)
	}
	if doc == nil || version < t.revoked.lowest(id.String()) {
		return t.loadArchived(ctx, id, readAt, version, views)
	}
	if e := t.live.get(id); e != nil && e.isVersion(version) { // nothing changed but activity: no need to decode
		e.refresh(views, fromMillis(lastSeen), readAt)
		return e, nil
	}
	d, err := decodeHot(doc)
	switch {
	case errors.Is(err, errNewerFormat):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil: // ends that session quietly, unless the archive knows better
		t.counts.corruptRecords.Add(1)
		t.log.Warn("footfall: a corrupt record in the hot store was dropped", "sessionId", id, "error", err)
		if err := t.hot.Delete(ctx, id.String()); err != nil {
			return nil, fmt.Errorf("%w: hot store: %w", ErrUnavailable, err)
		}
		return t.loadArchived(ctx, id, readAt, 0, 0)
	}
	if d.CustomerID != "" { // the journal may hold its end
		if err := t.awaitReplay(ctx); err != nil {
			return nil, err
		}
	}
	base := d.PageViews
	d.PageViews += views
	if seen := fromMillis(lastSeen); seen.After(d.LastSeenAt) {
		d.LastSeenAt = seen
	}
	return t.adopt(id, d, base, readAt), nil
}

// refresh takes over activity that the hot store has merged from everybody.
func (e *entry) refresh(views int64, lastSeen, readAt time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rec.PageViews = max(e.rec.PageViews, e.base+views)
	if lastSeen.After(e.rec.LastSeenAt) {
		e.rec.LastSeenAt = lastSeen
	}
	if readAt.After(e.readAt) {
		e.readAt = readAt
	}
}

func (e *entry) isVersion(version int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Cred.Version == version
}

// loadArchived warms the hot store from the archive. stale is the version of a
// document in the hot store that does not count any more, 0 if there is none,
// and views what was merged beside it.
func (t *Tracker) loadArchived(ctx context.Context, id uuid.UUID, readAt time.Time, stale, views int64) (*entry, error) {
	if e := t.live.get(id); e != nil && !t.projected(e) {
		// The archive does not have all of it yet: what this process holds is newer.
		return e, t.restoreHot(ctx, e, stale, views)
	}
	if err := t.awaitReplay(ctx); err != nil {
		return nil, err
	}
	t.counts.archiveReads.Add(1)
	rec, ok, err := t.archive.Session(ctx, id.String())
	if err != nil {
		return nil, fmt.Errorf("%w: archive: %w", ErrUnavailable, err)
	}
	if !ok || t.lives.Remaining(&rec.Session, readAt) == 0 {
		return nil, nil
	}
	e := t.adopt(id, document{Record: rec}, rec.PageViews, readAt)
	return e, t.restoreHot(ctx, e, stale, views)
}

// restoreHot puts an entry into a hot store that does not have it, or has a
// stale version of it.
func (t *Tracker) restoreHot(ctx context.Context, e *entry, stale, views int64) error {
	e.mu.Lock()
	e.base, e.writer, e.views = max(e.rec.PageViews-views, 0), t.newWriter(), 0
	e.mu.Unlock()
	d := e.document()
	ttl := t.ttl(&d.Record)
	if ttl <= 0 {
		return nil
	}
	if _, err := t.hot.Put(ctx, d.SessionID, d.encode(), stale, d.Cred.Version, ttl); err != nil {
		return fmt.Errorf("%w: hot store: %w", ErrUnavailable, err)
	}
	return nil
}

// ttl is how long the hot store keeps a record: until it can no longer be alive,
// also when it has ended, so that an old copy cannot take its place.
func (t *Tracker) ttl(rec *Record) time.Duration {
	s := rec.Session
	s.EndedAt = time.Time{}
	return t.lives.Remaining(&s, now())
}

// adopt makes an entry of what a store holds, or brings the one that is there
// up to date.
func (t *Tracker) adopt(id uuid.UUID, d document, base int64, readAt time.Time) *entry {
	e := &entry{
		id: id, rec: d.Record, base: base, unknown: d.unknown, readAt: readAt, usedAt: usedSince(&d.Record),
		returned: true, announced: true, begun: !d.unbegun, writer: t.newWriter(),
	}
	t.folder.cameBack(id)
	there := t.live.add(e, t.confirmedPosition())
	if there == nil || there == e { // nil: the table is full of sessions that cannot go, so this one is not kept
		return e
	}
	there.merge(d.Record, d.unknown, readAt)
	there.rebase(base, t.newWriter)
	return there
}

// rebase starts a new series of counts if the store's document was made anew:
// what was counted before is in its base.
func (e *entry) rebase(base int64, newWriter func() string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if base != e.base {
		e.base, e.writer, e.views = base, newWriter(), 0
	}
}

// newWriter names a new series of counts. A series belongs to one entry: one
// that is dropped and loaded again starts another.
func (t *Tracker) newWriter() string {
	return t.instance + "." + strconv.FormatUint(t.writers.Add(1), 36)
}

func (t *Tracker) confirmedPosition() journal.Position {
	return journal.Position(t.confirmed.Load())
}

// projected says that the archive holds all facts of an entry.
func (t *Tracker) projected(e *entry) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun && e.position <= t.confirmedPosition()
}

// replayed says that the archive holds what the journal held at the start.
func (t *Tracker) replayed() bool {
	select {
	case <-t.replayDone:
		return true
	default:
		return false
	}
}

// awaitReplay waits until the archive holds what the journal held at the start:
// before that it may miss the end of a session.
func (t *Tracker) awaitReplay(ctx context.Context) error {
	select {
	case <-t.replayDone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the journal is still being replayed", ErrUnavailable)
	}
}
