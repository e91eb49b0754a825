package footfall

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
)

// Finish is called when the status is known and before the first byte of the
// answer: it decides what the request was, puts that into the journal and sets
// the cookies. Only the first call does anything.
func (v *visit) Finish(status int, header http.Header) {
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
	person := v.bot == "" && (v.err == nil || v.entry != nil)
	counts := person && v.mode == tracked && isPage
	visits := isPage || status < 400 && !enrich.IsAsset(v.r) // something that may begin a session
	if person && v.mode != untouched && visits {
		v.sessionLocked(false)
	}
	v.committed = true
	e, began, s, mode := v.entry, v.began, v.standing, v.mode
	refused := v.refused && e == nil && visits
	v.mu.Unlock()

	at := clock.Now()
	customer := func() bool { return e != nil && s == current && e.HasCustomer() }
	switch {
	case mode == untouched:
	case v.bot != "" && mode == tracked && isPage && !customer():
		v.recordBot(at)
	case refused:
		v.t.begins.uncounted(at)
	case e == nil && isPage && mode == tracked && v.recordUnattributed(v.t.pageView(v.r, "", "", at)):
	case e != nil && (visits || !began || e.IsAnnounced()):
		v.recordPage(e, counts, !counts && (mode == uncounted && v.bot == "" || customer()), at)
	}
	if e != nil && began && !e.IsAnnounced() {
		v.withdraw() // nothing happened that would make this a visit
	}
	v.renewOldCookie()
	v.setCookies(header, at)
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
	v.entry, v.setSession = e, v.t.keys.Sign(v.token.Value())
}

// withdraw takes back a session that was begun for nothing.
func (v *visit) withdraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entry, v.began, v.hasToken, v.setSession, v.setVisitor = nil, false, false, "", uuid.Nil
}

// Abandon ends a visit whose answer is out of our hands.
func (v *visit) Abandon() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.committed = true
}

// recordPage notes the page view, or that the session was active if the request
// extends it.
func (v *visit) recordPage(e *live.Entry, counts, extends bool, at time.Time) {
	switch {
	case counts:
		v.t.record(v.r, e, &EventRecorded{Event: v.t.pageView(v.r, e.SessionID(), e.VisitorID(), at)})
	case extends && !enrich.IsPrefetch(v.r.Header):
		v.t.seen(v.r, e, at)
	case !e.Begun():
		v.t.begin(v.r, e, nil)
	}
}

func (t *Tracker) pageView(r *http.Request, session, visitor string, at time.Time) Event {
	return Event{
		EventID: clock.NewID().String(), SessionID: session, VisitorID: visitor,
		EventType: EventPageView, Page: enrich.Requested(r), CreatedAt: at,
	}
}

// recordBot notes what software asked for, apart from what people do.
func (v *visit) recordBot(at time.Time) {
	v.t.counts.botViews.Add(1)
	if !v.t.begins.allowBot(at) {
		v.t.counts.botsDropped.Add(1)
		return
	}
	_, _ = v.t.out.Append(nil, &BotSeen{
		EventID: clock.NewID().String(), Reason: v.bot, UserAgent: enrich.Text(v.r.UserAgent(), enrich.MaxUserAgent),
		IPAddress: v.t.address(v.r), Page: enrich.Requested(v.r), At: at,
	})
}
