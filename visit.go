package footfall

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
)

// A visit is one request as the tracker sees it.
type visit struct {
	t *Tracker
	r *http.Request

	// What the request came with; fixed once it is opened.
	token    sessionToken
	hasToken bool  // its session cookie is validly signed
	oldKey   bool  // … by an older secret
	err      error // why its session cannot be known
	bot      string

	mu          sync.Mutex
	entry       *entry
	standing    standing
	began       bool // the entry is new, and nobody knows of it yet
	refused     bool // a cap said that no session begins
	committed   bool // the header is on its way: no cookie can be set any more
	mode        mode
	setSession  string // wire value of the session cookie to set
	dropSession bool   // the session cookie is to be cleared
	setVisitor  uuid.UUID

	writer  responseWriter
	scratch [maxCookieLength]byte // for reading cookies; held by whoever opens or commits
}

// A mode says what a route wants of the tracker.
type mode int

const (
	tracked   mode = iota // recognise, begin, count
	uncounted             // recognise, begin, extend, but count nothing
	untouched             // recognise only
)

type visitKey struct{}

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
	rec := e.snapshot()
	if v.standing == superseded {
		return withoutCustomer(rec.Session), true
	}
	return rec.Session, true
}

// withoutCustomer is what somebody with a superseded secret may see.
func withoutCustomer(s Session) Session {
	s.CustomerID, s.Type = "", Anonymous
	return s
}

// open reads the request's cookies and finds out what they are worth.
func (t *Tracker) open(r *http.Request) *visit {
	v := &visit{t: t, r: r}
	eachCookie(r.Header, t.config.SessionCookie, func(wire string) bool {
		value, old, ok := t.keys.verify(v.scratch[:0], wire)
		if !ok {
			t.counts.badCookies.Add(1)
			return false
		}
		token, ok := parseSessionValue(value)
		if !ok {
			t.counts.badCookies.Add(1)
			return false
		}
		e, s, err := t.resolve(r.Context(), &token, false)
		if s == worthless && err == nil {
			return false // a later duplicate may be the valid one
		}
		v.token, v.hasToken, v.oldKey = token, true, old
		v.entry, v.standing, v.err = e, s, err
		return true
	})
	if v.standing == worthless {
		v.entry = nil
	}
	v.bot = t.botReason(v)
	return v
}

// botReason says why a request is no person's. A session's own user agent has
// been looked at before.
func (t *Tracker) botReason(v *visit) string {
	if v.entry != nil {
		if agents := v.r.Header["User-Agent"]; len(agents) == 1 {
			v.entry.mu.Lock()
			same := agents[0] == v.entry.rec.UserAgent && v.entry.rec.Device != "bot"
			v.entry.mu.Unlock()
			if same {
				return ""
			}
		}
	}
	return t.agents.Lookup(v.r.Header).Bot
}

// visitorCookie is the visitor that the request's signed cookie names, if it is
// within its time, and whether an older secret signed it. v.mu is held.
func (v *visit) visitorCookie(at time.Time) (id uuid.UUID, old, ok bool) {
	eachCookie(v.r.Header, v.t.config.VisitorCookie, func(wire string) bool {
		var value []byte
		var valid bool
		if value, old, valid = v.t.keys.verify(v.scratch[:0], wire); !valid {
			v.t.counts.badCookies.Add(1)
			return false
		}
		id, ok = parseVisitorValue(value)
		if ok && at.Sub(idTime(id)) >= v.t.config.VisitorTTL {
			ok = false
		}
		return ok
	})
	return id, old, ok
}

// sessionLocked is the visit's session; one is begun if there is none and one
// may be. always overrides what the mode, caps and bots say: for logins.
// v.mu is held.
func (v *visit) sessionLocked(always bool) *entry {
	if v.entry != nil || v.err != nil || v.committed || v.dropSession {
		return v.entry
	}
	if !always && (v.mode == untouched || v.refused || v.bot != "" || !mayBegin(v.r)) {
		return nil
	}
	at := now()
	addr := enrich.ClientAddr(v.r.RemoteAddr, v.r.Header, v.t.config.TrustedProxies)
	if !v.t.begins.allow(addr, v.behindForgottenProxy(addr.IsPrivate() || addr.IsLoopback()), at) && !always {
		v.refused = true
		return nil
	}
	v.beginLocked(at)
	return v.entry
}

// behindForgottenProxy says that a private peer that nobody trusts forwards for
// others: all visitors would share its address.
func (v *visit) behindForgottenProxy(private bool) bool {
	if !private || len(v.r.Header["X-Forwarded-For"]) == 0 {
		return false
	}
	v.t.counts.forgottenProxy.Add(1)
	return true
}

// beginLocked makes a new session for the visit. Nobody else knows of it until
// the visit records something.
func (v *visit) beginLocked(at time.Time) {
	visitor, old, known := v.visitorCookie(at)
	if !known {
		visitor = newID()
	}
	if !known || old {
		v.setVisitor = visitor
	}
	token := sessionToken{id: newID(), secret: newSecret()}
	v.entry = v.t.newEntry(v.r, token, visitor, at)
	v.standing, v.began = current, true
	v.token, v.hasToken = token, true
	v.setSession = v.t.keys.sign(token.value())
}

// newEntry is a new session with what the request tells of it.
func (t *Tracker) newEntry(r *http.Request, token sessionToken, visitor uuid.UUID, at time.Time) *entry {
	agent := t.agents.Lookup(r.Header)
	page := enrich.PageFromRequest(r, t.isOwnHost(r))
	addr := enrich.ClientAddr(r.RemoteAddr, r.Header, t.config.TrustedProxies)
	address := enrich.MaskAddr(addr)
	if t.config.FullAddresses {
		address = addr.String()
	}
	if !addr.IsValid() {
		address = ""
	}
	e := &entry{
		id:     token.id,
		writer: t.newWriter(),
		readAt: at,
		rec: Record{
			Session: Session{
				SessionID: token.id.String(), VisitorID: visitor.String(),
				IPAddress: address, UserAgent: enrich.Text(r.UserAgent(), enrich.MaxUserAgent),
				Device: agent.Device, Browser: agent.Browser, OS: agent.OS,
				LandingPage: page.Path, Referrer: page.Referrer, Channel: enrich.Channel(page),
				UTMSource: page.UTM.Source, UTMMedium: page.UTM.Medium, UTMCampaign: page.UTM.Campaign,
				UTMTerm: page.UTM.Term, UTMContent: page.UTM.Content,
				StartedAt: at, LastSeenAt: at,
			},
		},
	}
	e.rec.setCredentials(Credentials{Version: at.UnixMilli(), SecretHash: token.secret.hash()})
	return e
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
