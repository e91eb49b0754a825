package footfall

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/firstbyte"
	"github.com/footfall-go/footfall/internal/live"
)

// A visit is one request as the tracker sees it, and the context that the
// handler gets: a request allocates one thing for both.
type visit struct {
	context.Context // of the request as it came

	t *Tracker
	r *http.Request

	// What the request came with; fixed once it is opened.
	bot        string // why no person made it, "" if one did
	sentCookie bool   // it has a session cookie, signed or not

	mu          sync.Mutex
	token       cookie.Token
	hasToken    bool          // token is one that we signed
	err         error         // why its session cannot be known
	left        time.Duration // that stores may still take of this request
	readAt      time.Time     // when this request last asked the stores, zero if never
	oldKey      bool          // an older secret signed its session cookie
	stale       bool          // its secret was superseded: it must not take a newer cookie's place
	entry       *live.Entry
	standing    standing
	began       bool // entry is a session that this request began
	refused     bool // a cap said that no session begins
	over        bool // it logged out: no other session begins in it
	committed   bool // the header is on its way: no cookie can be set any more
	mode        mode
	setSession  string // wire value of the session cookie to set
	dropSession bool   // the session cookie is to be cleared
	setVisitor  uuid.UUID

	writer firstbyte.Writer
}

// A mode says what a route wants of the tracker.
type mode int

const (
	tracked   mode = iota // recognise, begin, count
	uncounted             // recognise, begin, extend, but count nothing
	untouched             // recognise only
)

type visitKey struct{}

// Value implements context.Context: it finds the visit, and what the request's
// context holds.
func (v *visit) Value(key any) any {
	if key == (visitKey{}) {
		return v
	}
	return v.Context.Value(key)
}

// String and Format keep secrets out of the log of whoever prints a context.
func (v *visit) String() string             { return "footfall.visit" }
func (v *visit) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, v.String()) }

func visitFrom(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// FromContext returns the session of the request that ctx belongs to, as it is
// now. It returns false when there is none: outside of the middleware, for
// bots, past a cap, under Optional without a session, and while a store cannot
// say.
func FromContext(ctx context.Context) (Session, bool) {
	v := visitFrom(ctx)
	if v == nil {
		return Session{}, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.sessionLocked(false)
	if e == nil {
		return Session{}, false
	}
	rec := e.Snapshot()
	if v.standing != current {
		return withoutCustomer(rec.Session), true
	}
	return rec.Session, true
}

// Visitor returns the visitor of the request that ctx belongs to: the one that
// its signed cookie names, which no store is asked about, otherwise that of its
// session. It returns false when there is none.
func Visitor(ctx context.Context) (id string, ok bool) {
	v := visitFrom(ctx)
	if v == nil {
		return "", false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if c, ok := v.visitorCookie(clock.Now()); ok {
		return c.id.String(), true
	}
	if e := v.sessionLocked(false); e != nil {
		return e.VisitorID(), true
	}
	return "", false
}

// withoutCustomer is what somebody may see who is let in for counting only.
func withoutCustomer(s Session) Session {
	s.CustomerID = ""
	return s
}

// open reads the request's cookies and finds out what they are worth.
func (t *Tracker) open(r *http.Request) *visit {
	v := &visit{Context: r.Context(), t: t, r: r, left: t.config.StoreTimeout}
	var buf [cookie.MaxLength]byte
	cookie.Each(r.Header, t.config.SessionCookie, func(wire string) bool {
		v.sentCookie = true
		value, old, ok := t.keys.Verify(buf[:0], wire)
		if !ok {
			t.counts.badCookies.Add(1)
			return false
		}
		token, ok := cookie.ParseSession(value)
		if !ok && v.openLegacy(value) {
			return true
		}
		if !ok {
			t.counts.badCookies.Add(1)
			return false
		}
		before := v.left
		e, s, err := t.resolve(r.Context(), &token, false, &v.left)
		if v.left != before && err == nil {
			v.readAt = time.Now()
		}
		if s > v.standing || err != nil && v.standing == worthless {
			v.token, v.hasToken, v.oldKey = token, true, old
			v.entry, v.standing, v.err = e, s, err
		}
		return s == current || err != nil // otherwise a later duplicate may be worth more
	})
	if v.standing == worthless {
		v.entry = nil
	}
	v.stale = v.standing == superseded || v.standing == unsure
	v.bot = t.botReason(v)
	return v
}

// botReason says why a request is no person's. A session's own user agent has
// been looked at before.
func (t *Tracker) botReason(v *visit) string {
	if v.entry != nil {
		if agents := v.r.Header["User-Agent"]; len(agents) == 1 {
			if v.entry.IsPerson(agents[0]) {
				return ""
			}
		}
	}
	return t.agents.Lookup(v.r.Header).Bot
}

// A visitorCookie is one that we signed and that is within its time.
type visitorCookie struct {
	id   uuid.UUID
	wire string
	old  bool // an older secret signed it
}

// visitorCookie is the request's visitor cookie, if it has a good one. v.mu is
// held.
func (v *visit) visitorCookie(at time.Time) (c visitorCookie, ok bool) {
	var buf [cookie.MaxLength]byte
	cookie.Each(v.r.Header, v.t.config.VisitorCookie, func(wire string) bool {
		value, old, valid := v.t.keys.Verify(buf[:0], wire)
		if !valid {
			v.t.counts.badCookies.Add(1)
			return false
		}
		c = visitorCookie{wire: wire, old: old}
		c.id, ok = cookie.ParseVisitor(value)
		ok = ok && at.Before(c.until(v.t.config.VisitorTTL))
		return ok
	})
	return c, ok
}

// until is the fixed end of a visitor cookie.
func (c *visitorCookie) until(ttl time.Duration) time.Time { return cookie.VisitorEnd(c.id, ttl) }

// sessionLocked is the visit's session; one is begun if there is none and one
// may be. always overrides what the mode, caps and bots say: for logins.
// v.mu is held.
func (v *visit) sessionLocked(always bool) *live.Entry {
	if v.entry != nil || v.err != nil || v.committed || v.over {
		return v.entry
	}
	if !always && (v.mode == untouched || v.refused || v.stale || v.bot != "" || !enrich.MayBegin(v.r)) {
		return nil
	}
	at := clock.Now()
	addr := enrich.ClientAddr(v.r.RemoteAddr, v.r.Header, v.t.config.TrustedProxies)
	forgotten := behindForgottenProxy(v.r, addr)
	if forgotten {
		v.t.counts.forgottenProxy.Add(1)
	}
	if !v.t.begins.allow(addr, forgotten, at) && !always {
		v.refused = true
		return nil
	}
	v.beginLocked(at, addr, !forgotten)
	return v.entry
}

// behindForgottenProxy says that a private peer that nobody trusts forwards for
// others: all visitors seem to have its address.
func behindForgottenProxy(r *http.Request, addr netip.Addr) bool {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || peer.Addr().Unmap().WithZone("") != addr {
		return false // a trusted peer named it
	}
	return (addr.IsPrivate() || addr.IsLoopback()) && len(r.Header["X-Forwarded-For"]) > 0
}

// beginLocked makes a new session for the visit. Nobody else knows of it until
// the visit records something. ownAddress says that its address is its
// visitor's.
func (v *visit) beginLocked(at time.Time, addr netip.Addr, ownAddress bool) {
	held, known := v.visitorCookie(at)
	visitor := held.id
	if !known {
		visitor = clock.NewID()
	}
	if !known || held.old {
		v.setVisitor = visitor
	}
	token := cookie.Token{ID: clock.NewID(), Secret: cookie.NewSecret()}
	v.entry = v.t.newEntry(v.r, token, visitor, at)
	switch {
	case known:
		v.entry.FoundBy(live.SiblingKey{Visitor: visitor.String()})
	case ownAddress:
		v.entry.FoundBy(live.SiblingKey{Addr: addr, Agent: v.entry.Snapshot().UserAgent})
	}
	v.standing, v.began = current, true
	v.token, v.hasToken = token, true
	v.setSession = v.t.keys.Sign(token.Value())
}

// newEntry is a new session with what the request tells of it.
func (t *Tracker) newEntry(r *http.Request, token cookie.Token, visitor uuid.UUID, at time.Time) *live.Entry {
	agent := t.agents.Lookup(r.Header)
	page := enrich.PageFromRequest(r, t.isOwnHost(r))
	rec := Record{
		Session: Session{
			SessionID: token.ID.String(), VisitorID: visitor.String(),
			IPAddress: t.address(r), UserAgent: enrich.Text(r.UserAgent(), enrich.MaxUserAgent),
			Device: agent.Device, Browser: agent.Browser, OS: agent.OS,
			LandingPage: page.Path, Referrer: page.Referrer, Channel: enrich.Channel(page),
			UTMSource: page.UTM.Source, UTMMedium: page.UTM.Medium, UTMCampaign: page.UTM.Campaign,
			UTMTerm: page.UTM.Term, UTMContent: page.UTM.Content,
			StartedAt: at, LastSeenAt: at,
		},
		Version: t.clock.Tell(at).UnixMilli(), SecretHash: token.Secret.Hash(),
	}
	return live.New(token.ID, rec, t.names)
}

// address is a request's address as it is stored.
func (t *Tracker) address(r *http.Request) string {
	addr := enrich.ClientAddr(r.RemoteAddr, r.Header, t.config.TrustedProxies)
	switch {
	case !addr.IsValid():
		return ""
	case t.config.FullAddresses:
		return addr.String()
	}
	return enrich.MaskAddr(addr)
}

// isOwnHost says whether a host is the shop: the configured ones, otherwise the
// request's.
func (t *Tracker) isOwnHost(r *http.Request) func(string) bool {
	return func(host string) bool {
		if sameHost(host, r.Host) {
			return true
		}
		for _, own := range t.config.OwnHosts {
			if sameHost(host, own) {
				return true
			}
		}
		return false
	}
}

// sameHost compares hosts without port and case.
func sameHost(a, b string) bool { return strings.EqualFold(hostname(a), hostname(b)) }

func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}
