package footfall

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
)

// commit is called when the status is known and before the first byte of the
// answer: it decides what the request was, puts that into the journal and sets
// the cookies. Only the first call does anything.
func (v *visit) commit(status int, header http.Header) {
	v.mu.Lock()
	if v.committed {
		v.mu.Unlock()
		return
	}
	v.mu.Unlock()
	isPage := v.t.config.IsPageView(v.r, status) // the shop's: it may panic, and take its time
	v.mu.Lock()
	if v.committed {
		v.mu.Unlock()
		return
	}
	person := v.bot == "" && v.err == nil
	counts := person && v.mode == tracked && isPage
	visits := isPage || status < 400 && !isAsset(v.r) // something that may begin a session
	if person && v.mode != untouched && visits {
		v.sessionLocked(false)
	}
	v.committed = true
	e, began, s, mode := v.entry, v.began, v.standing, v.mode
	refused := v.refused && e == nil && visits
	v.mu.Unlock()

	customer := e != nil && s == current && e.isCustomer()
	switch {
	case mode == untouched:
	case v.bot != "" && mode == tracked && isPage && !customer:
		v.recordBot()
	case refused:
		v.t.begins.uncounted(now())
	case e != nil && (visits || !began || e.isAnnounced()):
		v.recordPage(e, counts, customer || mode == uncounted && v.bot == "")
	}
	if e != nil && began && !e.isAnnounced() {
		v.withdraw() // nothing happened that would make this a visit
	}
	v.renewOldCookie()
	v.setCookies(header)
}

// isAnnounced says that others than this request know of a session.
func (e *entry) isAnnounced() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.announced
}

// renewOldCookie signs a session cookie anew that an older secret signed, once
// the stores say that it is current: an old secret may be known to others.
func (v *visit) renewOldCookie() {
	v.mu.Lock()
	renew := v.oldKey && v.entry != nil && v.standing == current && v.setSession == "" && v.mode != untouched
	v.mu.Unlock()
	if !renew {
		return
	}
	e, s, err := v.reread(v.r.Context())
	if err != nil || s != current {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entry, v.setSession = e, v.t.keys.sign(v.token.value())
}

// withdraw takes back a session that was begun for nothing.
func (v *visit) withdraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entry, v.began, v.hasToken, v.setSession, v.setVisitor = nil, false, false, "", uuid.Nil
}

// abandon ends a visit whose answer is out of our hands.
func (v *visit) abandon() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.committed = true
}

// recordPage notes the page view, or that the session was active if the request
// extends it.
func (v *visit) recordPage(e *entry, counts, extends bool) {
	at := now()
	switch ids := e.ids(); {
	case counts:
		v.t.record(v.r, e, &EventRecorded{Event{
			EventID: newID().String(), SessionID: ids.session, VisitorID: ids.visitor,
			EventType: EventPageView, Page: enrich.Requested(v.r), CreatedAt: at,
		}})
	case extends && !isPrefetch(v.r.Header):
		v.t.seen(v.r, e, at)
	case !e.isBegun():
		v.t.begin(v.r, e)
	}
}

// sessionIDs are an entry's ids as text; they never change.
type sessionIDs struct{ session, visitor string }

func (e *entry) ids() sessionIDs { return sessionIDs{e.rec.SessionID, e.rec.VisitorID} }

// recordBot notes what software asked for, apart from what people do.
func (v *visit) recordBot() {
	v.t.counts.botViews.Add(1)
	at := now()
	if !v.t.begins.allowBot(at) {
		v.t.counts.botsDropped.Add(1)
		return
	}
	_, _ = v.t.append(&BotSeen{
		EventID: newID().String(), Reason: v.bot, UserAgent: enrich.Text(v.r.UserAgent(), enrich.MaxUserAgent),
		IPAddress: v.t.address(v.r), Page: enrich.Requested(v.r), At: at,
	})
}

// setCookies writes the visit's cookies into the header.
func (v *visit) setCookies(header http.Header) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := now()
	if v.entry != nil && v.standing == current && v.mode != untouched && v.setVisitor == uuid.Nil && !v.dropSession {
		v.restoreVisitorLocked(at)
	}
	if v.setSession == "" && !v.dropSession && v.setVisitor == uuid.Nil {
		return
	}
	if v.setSession != "" {
		age := v.t.config.MaxAge
		if v.entry != nil {
			age = v.entry.rec.StartedAt.Add(age).Sub(at)
		}
		v.t.setCookie(header, v.t.config.SessionCookie, v.setSession, age, true)
	} else if v.dropSession {
		v.t.setCookie(header, v.t.config.SessionCookie, "", -1, true)
	}
	if v.setVisitor != uuid.Nil {
		age := idTime(v.setVisitor).Add(v.t.config.VisitorTTL).Sub(at)
		v.t.setCookie(header, v.t.config.VisitorCookie, v.t.keys.sign(visitorValue(v.setVisitor)), age, false)
	}
	private(header)
}

// restoreVisitorLocked sets the visitor cookie again inside a live session that
// lost it, or holds one that is not ours, until its fixed end.
func (v *visit) restoreVisitorLocked(at time.Time) {
	if v.entry.knowsVisitorCookie(v.r.Header, v.t.config.VisitorCookie, at) {
		return
	}
	if held, ok := v.visitorCookie(at); ok {
		if held.old {
			v.setVisitor = held.id
		}
		v.entry.noteVisitorCookie(held.wire, held.until(v.t.config.VisitorTTL))
		return
	}
	id, err := uuid.Parse(v.entry.rec.VisitorID)
	if err == nil && at.Sub(idTime(id)) < v.t.config.VisitorTTL {
		v.setVisitor = id
	}
}

// knowsVisitorCookie says that a request has the visitor cookie that was verified
// in an earlier one of its session: that saves the signature.
func (e *entry) knowsVisitorCookie(h http.Header, name string, at time.Time) (known bool) {
	e.mu.Lock()
	wire, until := e.visitor, e.visitorUntil
	e.mu.Unlock()
	if wire == "" || !at.Before(until) {
		return false
	}
	eachCookie(h, name, func(sent string) bool {
		known = sent == wire
		return true
	})
	return known
}

func (e *entry) noteVisitorCookie(wire string, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.visitor, e.visitorUntil = strings.Clone(wire), until
}

// setCookie adds a Set-Cookie line. The value is already in wire form; a
// negative age clears the cookie.
func (t *Tracker) setCookie(header http.Header, name, wire string, age time.Duration, httpOnly bool) {
	c := http.Cookie{
		Name: name, Path: "/", MaxAge: int((age + time.Second - 1) / time.Second),
		Secure: !t.config.Insecure, HttpOnly: httpOnly, SameSite: http.SameSiteLaxMode,
	}
	c.Expires = now().Add(age)
	if age < 0 {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	}
	c.Value = wire
	header.Add("Set-Cookie", c.String())
}

// private keeps an answer with a cookie out of shared caches, unless the handler
// was stricter already.
func private(header http.Header) {
	if !strings.Contains(strings.ToLower(header.Get("Cache-Control")), "no-store") {
		header.Set("Cache-Control", "private, no-store")
	}
	for _, line := range header["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if f := strings.TrimSpace(field); f == "*" || strings.EqualFold(f, "Cookie") {
				return
			}
		}
	}
	header.Add("Vary", "Cookie")
}

// sameHost compares hosts without port and case.
func sameHost(a, b string) bool { return strings.EqualFold(hostname(a), hostname(b)) }

func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}
