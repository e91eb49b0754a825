package request

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// session is the request's session; one is begun if there is none and one may be.
// forLogin overrides what the mode, caps and bots say. r.mu is held.
func (r *Request) session(forLogin bool) *live.Entry {
	if r.finished && r.began && r.entry != nil && r.entry.IsAnnounced() {
		r.entry = r.q.Sessions.Held(r.entry) // it goes on behind its first byte
	}
	if r.entry != nil || r.err != nil || r.finished || r.loggedOut {
		return r.entry
	}
	if !forLogin && !r.mayBegin() {
		return nil
	}
	at := clock.Now()
	addr, whom := r.q.Describe.Proxies.ClientAddr(r.r)
	if whom == enrich.ForgottenProxy {
		r.q.forgottenProxy.Add(1)
	}
	why := r.q.cap.refuse(addr, whom, at)
	if why != "" && !forLogin {
		r.cappedBy = why
		return nil
	}
	r.counted = why == ""
	r.begin(at, addr, whom)
	return r.entry
}

// mayBegin reports whether the request may begin a session. If the secret that it came
// with was replaced, it may not: the browser has, or will get, a newer cookie. Nor if the
// browser held its cookies back: it may have a session.
func (r *Request) mayBegin() bool {
	replaced := r.oldSecret || r.lost
	return r.mode != Untouched && r.cappedBy == "" && !replaced && r.bot == "" && enrich.MayBegin(r.r) && !r.cookiesWithheld()
}

// cookiesWithheld reports whether the browser may have cookies that it did not send.
func (r *Request) cookiesWithheld() bool {
	if r.sentCookie || !r.q.Describe.CookiesWithheld(r.r) {
		return false
	}
	sent := false
	cookie.Each(r.r.Header, r.q.Options.Visitor.Name, func(string) bool { sent = true; return true })
	return !sent
}

// begin makes a new session for the request. Nobody else knows of it until the
// request records something.
func (r *Request) begin(at time.Time, addr netip.Addr, whom enrich.Identity) {
	held, known := r.visitorCookie(at)
	visitor := held.id
	if !known {
		visitor = clock.NewID()
	}
	if (!known || held.old) && !r.cookiesWithheld() { // a login begins a session all the same
		r.setVisitor = visitor
	}
	token := cookie.Token{ID: clock.NewID(), Secret: cookie.NewSecret()}
	rec := r.record(&token, visitor, addr, whom, at)
	r.q.cap.began(&rec.Session, whom, at)
	var key live.SiblingKey
	switch {
	case known:
		key.Visitor = rec.VisitorID
	case whom == enrich.OneVisitor && !enrich.IsNavigation(r.r):
		key.Addr, key.Agent, key.Page = addr, rec.UserAgent, rec.LandingPage
	}
	r.q.Notices.Began(addr, whom, rec.UserAgent)
	r.entry = r.q.Sessions.Begin(token.ID, rec, key)
	r.standing, r.began = sessions.Current, true
	r.token, r.hasToken, r.setSession = token, true, true
}

// record is the record of the session that begins. It landed on the page that it was
// made from, if the browser had fetched that ahead.
func (r *Request) record(token *cookie.Token, visitor uuid.UUID, addr netip.Addr, whom enrich.Identity, at time.Time) store.Record {
	d := r.q.Describe
	if page := pageAsSent(d.ShownPage(r.r)); page != "" && whom == enrich.OneVisitor {
		if referrer, ok := r.q.landings.take(addr, r.r.UserAgent(), page, at); ok {
			r.landed = page
			return d.RecordOn(r.r, d.Landed(r.r, page, referrer), token, visitor, at)
		}
	}
	return d.Record(r.r, token, visitor, at)
}

// withdraw takes back a session that was begun for nothing.
func (r *Request) withdraw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entry != nil && r.began && !r.entry.IsAnnounced() { // otherwise stores have it
		begun := r.entry.Session()
		addr, whom := r.q.Describe.Proxies.ClientAddr(r.r)
		r.q.cap.withdrawn(&begun, addr, whom, r.counted)
	}
	r.entry, r.began, r.hasToken, r.setSession, r.setVisitor = nil, false, false, false, uuid.Nil
}
