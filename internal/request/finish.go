package request

import (
	"context"
	"errors"
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
// answer: it decides what the request was, records that and sets the cookies. body is
// the beginning of the answer's body, if it is known. Only the first call does anything.
func (r *Request) Finish(status int, header http.Header, body []byte) {
	if r.isFinished() {
		return
	}
	late := r.removeProvisional(header)
	contentType := answerType(header, body)
	isPage, visits := r.judge(status, contentType, late)
	finishing := count.Clock()
	r.mu.Lock()
	if r.finished {
		r.mu.Unlock()
		return
	}
	person := r.bot == "" && (r.err == nil || r.entry != nil)
	counts := person && r.mode == Tracked && isPage
	if person && r.mode != Untouched && visits {
		r.session(false)
	}
	r.finished = true
	e, began, standing, mode, landed := r.entry, r.began, r.standing, r.mode, r.landed
	cappedBy := r.cappedBy
	capped := cappedBy != "" && e == nil && visits
	withheld := e == nil && person && mode != Untouched && visits && !capped && r.cookiesWithheld()
	r.mu.Unlock()

	at := clock.Now()
	customer := func() bool { return e != nil && standing == sessions.Current && e.HasCustomer() }
	if person && mode != Untouched {
		r.followPrefetches(e, isPage, status, contentType, mode, at)
	}
	if e != nil && began && visits && landed != "" {
		r.countPage(e, landed, at)
	}
	switch {
	case mode == Untouched:
	case r.bot != "" && mode == Tracked && isPage && !customer():
		r.q.Notices.ViewedByBot()
		r.recordBot(at)
	case capped:
		r.q.visitsUncounted.Add(1)
		r.q.tally.add(false, cappedBy, 1, at)
		if cappedBy == tooManyBytes {
			r.q.bytesCapped.Add(1)
		}
	case withheld:
		r.q.withheld.Add(1)
	case e == nil && isPage && mode == Tracked && r.recordUnattributed(r.pageView("", "", at)):
	case e == nil:
	case counts:
		r.notice(!began)
		view := &store.EventRecorded{Event: r.pageView(e.SessionID(), e.VisitorID(), at)}
		if began {
			r.q.Sessions.RecordLast(r, e, view)
		} else {
			r.q.Sessions.Record(r, e, view)
		}
	case !visits && began && !e.IsAnnounced():
	case (mode == Uncounted && r.bot == "" || customer()) && !enrich.IsPrefetch(r.r.Header) && !enrich.IsRepeated(r.r, contentType):
		r.q.Sessions.Extend(r, e, at)
	case !e.Begun():
		r.q.Sessions.Announce(r, e)
	}
	if e != nil && began && !e.IsAnnounced() {
		r.withdraw() // nothing happened that would make this a session
	} else if e != nil && began {
		r.q.Describe.Agents.Visited(r.r.Header)
	}
	r.renewOldCookie()
	if r.q.AskHints && mode != Untouched && enrich.IsNavigation(r.r) {
		enrich.AskForHints(header)
	}
	r.setCookies(header, at)
	r.q.cost.Observe(r.opening + count.Clock() - finishing)
}

// notice has it noticed that a person viewed a page, and whose Host it names.
func (r *Request) notice(returned bool) {
	r.q.Notices.Viewed(returned)
	if host := r.q.Describe.PublicHost(r.r); host != "" {
		r.q.Notices.Rewritten(host, r.r.Host)
	}
}

// judge says of an answer whether it counts as a page view, and whether the request may
// begin a session. late says that the handler had returned before: then the request's
// context may have ended because the request has.
func (r *Request) judge(status int, contentType string, late bool) (isPage, visits bool) {
	var gone error
	if !late {
		gone = r.r.Context().Err()
	}
	if errors.Is(gone, context.DeadlineExceeded) { // somebody further out has answered instead
		return false, false
	}
	isPage = r.q.IsPageView(r.r, status, contentType) // the shop's: it may panic, and take its time
	visits = isPage || status < 400 && status != http.StatusSwitchingProtocols && status != http.StatusPartialContent &&
		!enrich.IsAsset(r.r, contentType) && !enrich.IsRepeated(r.r, contentType)
	if gone != nil && !r.isKnown() { // nobody saw it, and nobody was known to be there
		return false, false
	}
	return isPage, visits
}

// isKnown reports whether the request's session exists for others too.
func (r *Request) isKnown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entry != nil && (!r.began || r.entry.IsAnnounced()) || r.entry == nil && r.hasToken
}

// answerType is the Content-Type of an answer. If the handler set none, it is the one
// that net/http finds in the beginning of the body.
func answerType(header http.Header, body []byte) string {
	if types := header["Content-Type"]; len(types) > 0 {
		return types[0]
	}
	if len(body) == 0 || len(header["Content-Encoding"]) > 0 {
		return ""
	}
	return http.DetectContentType(body)
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
		EventType: store.EventPageView, Page: pageAsSent(enrich.Requested(r.r)), CreatedAt: at,
	}
}

func newEventID() string { return clock.NewID().String() }

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
	renew := r.oldKey && r.entry != nil && r.standing == sessions.Current && !r.setSession && r.mode != Untouched
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
	r.entry, r.setSession = e, true
}

// setCookies writes the request's cookies into the header.
func (r *Request) setCookies(header http.Header, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entry != nil && r.standing == sessions.Current && r.mode != Untouched && r.setVisitor == uuid.Nil && !r.dropSession && !r.cookiesWithheld() {
		r.restoreVisitor(r.entry, at)
	}
	if !r.setSession && !r.dropSession && r.setVisitor == uuid.Nil {
		if r.personal {
			cookie.KeepCustomers(header)
		}
		return
	}
	switch {
	case r.setSession:
		age := r.q.MaxAge
		if r.entry != nil {
			age = r.entry.StartedAt().Add(age).Sub(at)
		}
		r.q.Options.Session.SetSession(header, r.q.Keys, &r.token, age)
	case r.dropSession:
		r.q.Options.Session.Clear(header)
	}
	if r.setVisitor != uuid.Nil {
		age := cookie.VisitorEnd(r.setVisitor, r.q.VisitorTTL).Sub(at)
		r.q.Options.Visitor.SetVisitor(header, r.q.Keys, r.setVisitor, age)
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
