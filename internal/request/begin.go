package request

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
)

// session is the request's session; one is begun if there is none and one may be.
// forLogin overrides what the mode, caps and bots say. r.mu is held.
func (r *Request) session(forLogin bool) *live.Entry {
	if r.entry != nil || r.err != nil || r.finished || r.loggedOut {
		return r.entry
	}
	if !forLogin && !r.mayBegin() {
		return nil
	}
	at, addr := clock.Now(), r.q.clientAddr(r.r)
	forgotten := behindForgottenProxy(r.r, addr)
	if forgotten {
		r.q.forgottenProxy.Add(1)
	}
	if !r.q.cap.allow(addr, forgotten, at) && !forLogin {
		r.capped = true
		return nil
	}
	r.begin(at, addr, !forgotten)
	return r.entry
}

// mayBegin reports whether the request may begin a session. If the secret that it came
// with was replaced, it may not: the browser has, or will get, a newer cookie.
func (r *Request) mayBegin() bool {
	replaced := r.oldSecret || r.lost
	return r.mode != Untouched && !r.capped && !replaced && r.bot == "" && enrich.MayBegin(r.r)
}

// behindForgottenProxy reports whether a private peer that nobody trusts forwards
// for others: all visitors seem to have its address.
func behindForgottenProxy(r *http.Request, addr netip.Addr) bool {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || peer.Addr().Unmap().WithZone("") != addr {
		return false // a trusted peer named it
	}
	return (addr.IsPrivate() || addr.IsLoopback()) && len(r.Header["X-Forwarded-For"]) > 0
}

// begin makes a new session for the request. Nobody else knows of it until the
// request records something. ownAddress says that its address is the
// visitor's own, not that of an unlisted proxy.
func (r *Request) begin(at time.Time, addr netip.Addr, ownAddress bool) {
	held, known := r.visitorCookie(at)
	visitor := held.id
	if !known {
		visitor = clock.NewID()
	}
	if !known || held.old {
		r.setVisitor = visitor
	}
	token := cookie.Token{ID: clock.NewID(), Secret: cookie.NewSecret()}
	rec := r.q.Describe.Record(r.r, &token, visitor, at)
	var key live.SiblingKey
	switch {
	case known:
		key.Visitor = rec.VisitorID
	case ownAddress:
		key.Addr, key.Agent = addr, rec.UserAgent
	}
	r.entry = r.q.Sessions.Begin(token.ID, rec, key)
	r.standing, r.began = sessions.Current, true
	r.token, r.hasToken = token, true
	r.setSession = r.q.Keys.Sign(token.Value())
}

// withdraw takes back a session that was begun for nothing.
func (r *Request) withdraw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry, r.began, r.hasToken, r.setSession, r.setVisitor = nil, false, false, "", uuid.Nil
}
