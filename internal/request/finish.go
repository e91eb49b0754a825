package request

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// Finish is called when the status is known and before the first byte of the
// answer: it decides what the request was, records that and sets the cookies. Only the first call does anything.
func (r *Request) Finish(status int, header http.Header) {
	if r.isFinished() {
		return
	}
	isPage := r.q.IsPageView(r.r, status) // the shop's: it may panic, and take its time
	finishing := count.Clock()
	r.mu.Lock()
	if r.finished {
		r.mu.Unlock()
		return
	}
	person := r.bot == "" && (r.err == nil || r.entry != nil)
	counts := person && r.mode == Tracked && isPage
	visits := isPage || status < 400 && !enrich.IsAsset(r.r) // something that may begin a session
	if person && r.mode != Untouched && visits {
		r.session(false)
	}
	r.finished = true
	e, began, standing, mode := r.entry, r.began, r.standing, r.mode
	capped := r.capped && e == nil && visits
	r.mu.Unlock()

	at := clock.Now()
	customer := func() bool { return e != nil && standing == sessions.Current && e.HasCustomer() }
	switch {
	case mode == Untouched:
	case r.bot != "" && mode == Tracked && isPage && !customer():
		r.recordBot(at)
	case capped:
		r.q.cap.uncounted(at)
	case e == nil && isPage && mode == Tracked && r.recordUnattributed(r.pageView("", "", at)):
	case e == nil:
	case counts:
		r.q.Sessions.Record(r, e, &store.EventRecorded{Event: r.pageView(e.SessionID(), e.VisitorID(), at)})
	case !visits && began && !e.IsAnnounced():
	case (mode == Uncounted && r.bot == "" || customer()) && !enrich.IsPrefetch(r.r.Header):
		r.q.Sessions.Extend(r, e, at)
	case !e.Begun():
		r.q.Sessions.Announce(r, e)
	}
	if e != nil && began && !e.IsAnnounced() {
		r.withdraw() // nothing happened that would make this a session
	}
	r.renewOldCookie()
	r.setCookies(header, at)
	r.q.cost.Observe(r.opening + count.Clock() - finishing)
}

// Abandon ends a request whose answer the handler writes to the connection itself: no
// cookie is set and nothing is counted.
func (r *Request) Abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = true
}

func (r *Request) pageView(session, visitor string, at time.Time) store.Event {
	return store.Event{
		EventID: newEventID(), SessionID: session, VisitorID: visitor,
		EventType: store.EventPageView, Page: enrich.Requested(r.r), CreatedAt: at,
	}
}

func newEventID() string { return clock.NewID().String() }

// recordBot records what software asked for, apart from what people do.
func (r *Request) recordBot(at time.Time) {
	r.q.botViews.Add(1)
	if !r.q.cap.allowBot(at) {
		r.q.botsDropped.Add(1)
		return
	}
	_, _ = r.q.Out.Append(nil, &store.BotSeen{
		EventID: newEventID(), Reason: r.bot, UserAgent: enrich.Text(r.r.UserAgent(), enrich.MaxUserAgent),
		IPAddress: r.q.Describe.Address(r.r), Page: enrich.Requested(r.r), At: at,
	})
}

// recordUnattributed records an event of a request whose session cannot be known.
// It returns false if that is not how the request is.
func (r *Request) recordUnattributed(event store.Event) bool {
	r.mu.Lock()
	unknown := r.entry == nil && r.err != nil && r.hasToken && r.bot == "" && r.mode != Untouched
	token := r.token
	r.mu.Unlock()
	if !unknown {
		return false
	}
	event.SessionID = token.ID.String()
	r.q.Out.AppendUnattributed(event, token.Secret.Hash())
	return true
}

// renewOldCookie signs a session cookie anew that an older secret signed, once
// the stores say that it is current: an old secret may be known to others.
func (r *Request) renewOldCookie() {
	r.mu.Lock()
	renew := r.oldKey && r.entry != nil && r.standing == sessions.Current && r.setSession == "" && r.mode != Untouched
	r.mu.Unlock()
	if !renew {
		return
	}
	e, standing, err := r.reread(r.r.Context())
	if err != nil || standing != sessions.Current {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry, r.setSession = e, r.q.Keys.Sign(r.token.Value())
}

// setCookies writes the request's cookies into the header.
func (r *Request) setCookies(header http.Header, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entry != nil && r.standing == sessions.Current && r.mode != Untouched && r.setVisitor == uuid.Nil && !r.dropSession {
		r.restoreVisitor(r.entry, at)
	}
	if r.setSession == "" && !r.dropSession && r.setVisitor == uuid.Nil {
		return
	}
	switch {
	case r.setSession != "":
		age := r.q.MaxAge
		if r.entry != nil {
			age = r.entry.StartedAt().Add(age).Sub(at)
		}
		r.q.Options.Session.Set(header, r.setSession, age)
	case r.dropSession:
		r.q.Options.Session.Clear(header)
	}
	if r.setVisitor != uuid.Nil {
		age := cookie.VisitorEnd(r.setVisitor, r.q.VisitorTTL).Sub(at)
		r.q.Options.Visitor.Set(header, r.q.Keys.Sign(cookie.VisitorValue(r.setVisitor)), age)
	}
	cookie.KeepPrivate(header)
}

// restoreVisitor has the answer set the visitor cookie again, until its fixed end, if a
// browser with a live session lost the cookie, sends one that is not ours, or has one
// that an older secret signed. r.mu is held.
func (r *Request) restoreVisitor(e *live.Entry, at time.Time) {
	known := false
	cookie.Each(r.r.Header, r.q.Options.Visitor.Name, func(wire string) bool {
		known = e.KnowsVisitorCookie(wire, at)
		return true
	})
	if known {
		return
	}
	if held, ok := r.visitorCookie(at); ok {
		if held.old { // signed anew; remembered when it comes back
			r.setVisitor = held.id
			return
		}
		e.RememberVisitorCookie(held.wire, held.end(r.q.VisitorTTL))
		return
	}
	id, err := uuid.Parse(e.VisitorID())
	if err == nil && id.Version() == 7 && at.Before(cookie.VisitorEnd(id, r.q.VisitorTTL)) {
		r.setVisitor = id
	}
}
