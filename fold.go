package footfall

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/guard"
	"github.com/footfall-go/footfall/internal/journal"
)

// A single-page app's first requests leave in parallel, without a cookie, and
// each begins a session. The browser keeps one of the cookies. Sessions begun
// within foldWindow from the same address and agent whose cookie has not come
// back foldAfter later are folded into the sibling whose cookie did. A cookie
// that comes back after all gets its session back: see SessionsFolded.
const (
	foldWindow = 2 * time.Second
	foldAfter  = 5 * time.Second

	maxFoldGroups  = 10_000 // open at a time
	maxFoldGroup   = 64     // sessions in one; a browser makes six requests at once
	maxFoldMembers = 20_000 // sessions in all of them
)

type foldKey struct {
	visitor string // who is known by a cookie; otherwise:
	addr    netip.Addr
	agent   string
}

// A foldGroup is sessions that may be one visitor's.
type foldGroup struct {
	began   time.Time
	members []*entry
}

// folder watches for groups.
type folder struct {
	mu      sync.Mutex
	open    map[foldKey]*foldGroup // younger than foldWindow
	waiting []*foldGroup           // of two or more
	members map[uuid.UUID]*entry   // of all
	skipped uint64                 // sessions and groups past a bound
}

func newFolder() *folder {
	return &folder{open: map[foldKey]*foldGroup{}, members: map[uuid.UUID]*entry{}}
}

// cameBack notes that a session was read from a store because of its cookie,
// after its entry had left this process.
func (f *folder) cameBack(id uuid.UUID) {
	f.mu.Lock()
	e := f.members[id]
	f.mu.Unlock()
	if e != nil {
		e.cookieReturned()
	}
}

// begun notes a new session.
func (f *folder) begun(e *entry, key foldKey, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.open[key]
	if g != nil && at.Sub(g.began) >= foldWindow {
		f.closeLocked(key, g)
		g = nil
	}
	if len(f.members) >= maxFoldMembers || g == nil && len(f.open) >= maxFoldGroups {
		f.skipped++
		return
	}
	if g == nil {
		g = &foldGroup{began: at}
		f.open[key] = g
	}
	g.members = append(g.members, e)
	f.members[e.id] = e
}

// closeLocked lets a group wait whose window is over. One session alone has no
// siblings, and very many are no page's first requests.
func (f *folder) closeLocked(key foldKey, g *foldGroup) {
	delete(f.open, key)
	if len(g.members) < 2 || len(g.members) > maxFoldGroup {
		if len(g.members) > 1 {
			f.skipped++
		}
		f.forgetLocked(g)
		return
	}
	f.waiting = append(f.waiting, g)
}

func (f *folder) forgetLocked(g *foldGroup) {
	for _, e := range g.members {
		delete(f.members, e.id)
	}
}

// due returns, for each group in which a cookie came back, that session and the
// siblings to fold into it. A group whose members the archive does not all hold
// yet waits.
func (f *folder) due(at time.Time, idle time.Duration, archived func(*entry) bool) (into []*entry, folded [][]*entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, g := range f.open {
		if at.Sub(g.began) >= foldWindow {
			f.closeLocked(key, g)
		}
	}
	waiting := f.waiting[:0]
	for _, g := range f.waiting {
		if at.Sub(g.began) < foldAfter {
			waiting = append(waiting, g)
			continue
		}
		var first *entry
		var lost []*entry
		for _, e := range g.members {
			switch returned := e.hasReturned(); {
			case !returned:
				lost = append(lost, e)
			case first == nil:
				first = e
			}
		}
		if (first == nil || !all(lost, archived)) && at.Sub(g.began) < idle {
			waiting = append(waiting, g)
			continue
		}
		if first != nil && len(lost) > 0 {
			into, folded = append(into, first), append(folded, lost)
		}
		f.forgetLocked(g)
	}
	clear(f.waiting[len(waiting):])
	f.waiting = waiting
	return into, folded
}

func all(entries []*entry, is func(*entry) bool) bool {
	return !slices.ContainsFunc(entries, func(e *entry) bool { return !is(e) })
}

func (e *entry) hasReturned() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.returned
}

// cookieReturned notes that the browser kept a session's cookie.
func (e *entry) cookieReturned() {
	e.mu.Lock()
	e.returned = true
	e.mu.Unlock()
}

// fold folds what is due.
func (t *Tracker) fold(ctx context.Context, at time.Time) {
	into, folded := t.folder.due(at, t.lives.Idle, t.projected)
	for i, target := range into {
		for _, e := range folded[i] {
			asking, cancel := context.WithTimeout(ctx, guard.ControlTimeout)
			if !t.foldOne(asking, target, e) {
				t.folder.again(target, e, at)
			}
			cancel()
		}
	}
}

// foldOne folds a session, unless somebody has used it after all, here or
// elsewhere: a login or an order is no accident of loading a page either.
// It returns false when that cannot be told or recorded now.
func (t *Tracker) foldOne(ctx context.Context, target, e *entry) bool {
	rec, to := e.snapshot(), target.ids()
	if rec.CustomerID != "" || rec.Converted || e.hasReturned() {
		return true
	}
	if latest, err := t.isLatest(ctx, e); err != nil || !latest {
		return err == nil || t.lives.Remaining(&rec.Session, clock.Now()) == 0
	}
	position, err := t.appendBehind(target, &SessionsFolded{Into: to.session, Folded: rec.SessionID, Visitor: to.visitor})
	if err != nil && !errors.Is(err, journal.ErrStalled) {
		return false
	}
	t.counts.folded.Add(1)
	t.live.remove(e.id)
	// Unless somebody has logged in on it in this moment.
	d := e.document()
	if _, err := t.hot.Put(ctx, rec.SessionID, d.series, d.encode(), rec.Version, rec.Version+1, 0); err != nil {
		t.counts.hotErrors.Add(1)
	}
	target.mu.Lock()
	target.rec.PageViews += rec.PageViews
	target.views += rec.PageViews
	target.position = max(target.position, position)
	target.mu.Unlock()
	t.queueHot(target)
	return true
}

// again has a session folded later.
func (f *folder) again(target, e *entry, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[target.id], f.members[e.id] = target, e
	f.waiting = append(f.waiting, &foldGroup{began: at.Add(-foldAfter), members: []*entry{target, e}})
}

// isLatest says that the hot store knows no more of a session than its entry.
func (t *Tracker) isLatest(ctx context.Context, e *entry) (bool, error) {
	rec := e.snapshot()
	doc, version, views, lastSeen, err := t.hot.Read(ctx, rec.SessionID)
	return doc == nil || version == rec.Version && views <= rec.PageViews && lastSeen <= clock.Millis(rec.LastSeenAt), err
}
