package request

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/firstbyte"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

// A Request is one HTTP request, and the context that its handler gets: a request
// allocates one thing for both. It is safe for concurrent use.
type Request struct {
	context.Context // of the request as it came
	// As in a context of package context that holds the Request. Fiber's adaptor copies
	// values by these names, and asks no Value method.
	key, val any

	q *Requests
	r *http.Request

	// What the request came with; fixed once it is opened.
	bot        string        // why no person made it, "" if one did
	sentCookie bool          // it has a session cookie, signed or not
	opening    time.Duration // how long that took, the look-up of its session included

	mu       sync.Mutex // guards what follows; taken before an entry's lock
	mode     Mode
	token    cookie.Token
	hasToken bool // token is one that we signed
	entry    *live.Entry
	standing sessions.Standing
	err      error         // why its session cannot be known
	left     time.Duration // that stores may still take of this request
	readAt   time.Time     // when this request last asked the stores, zero if never

	oldKey    bool   // an older secret signed its session cookie
	oldSecret bool   // its secret was superseded when it came: it must not replace a newer cookie
	lost      bool   // its session stopped being its own while it ran: likewise
	began     bool   // entry is a session that this request began
	counted   bool   // the cap of new sessions has counted that
	landed    string // the page on which it landed if that was fetched ahead: not redacted, counted once
	cappedBy  string // the cap that said that no session begins
	loggedOut bool   // no other session begins in it
	finished  bool   // the header is on its way: no cookie can be set any more

	setSession  bool         // the answer sets a session cookie with token
	dropSession bool         // the session cookie is to be cleared
	setVisitor  uuid.UUID    // visitor whose cookie is to be set
	personal    bool         // its answer is for a customer alone
	given       *provisional // what its header has for now; nil: nothing

	writer firstbyte.Writer
}

type contextKey struct{}

// Value implements [context.Context]: it finds the Request, and what the request's
// context holds.
func (r *Request) Value(key any) any {
	if key == (contextKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// String and Format keep secrets out of the log of whoever prints a context.
func (r *Request) String() string             { return "footfall.request" }
func (r *Request) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, r.String()) }

// From is the Request that a context belongs to, nil if there is none.
func From(ctx context.Context) *Request {
	r, _ := ctx.Value(contextKey{}).(*Request)
	return r
}

// restrict makes the mode stricter, never looser.
func (r *Request) restrict(m Mode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mode = max(r.mode, m)
}

// open reads a request's cookies and finds out what they are worth.
func (q *Requests) open(hr *http.Request) *Request {
	r := &Request{Context: hr.Context(), key: contextKey{}, q: q, r: hr, left: q.Budget}
	r.val = r
	var buf [cookie.MaxLength]byte
	cookie.Each(hr.Header, q.Session.Name, func(wire string) bool {
		r.sentCookie = true
		value, old, ok := q.Keys.Verify(buf[:0], wire)
		if !ok {
			q.badCookies.Add(1)
			return false
		}
		token, ok := cookie.ParseSession(value)
		if !ok {
			if r.adopt(value) {
				return true
			}
			q.badCookies.Add(1)
			return false
		}
		q.unbegun.endOf(token.ID)
		before := r.left
		e, standing, err := q.Sessions.Find(hr.Context(), &token, sessions.ToCount, &r.left)
		if r.left != before && err == nil {
			r.readAt = time.Now()
		}
		if standing > r.standing || err != nil && r.standing == sessions.Worthless {
			r.token, r.hasToken, r.oldKey = token, true, old
			r.entry, r.standing, r.err = e, standing, err
		}
		return standing == sessions.Current || err != nil // otherwise a later duplicate may be worth more
	})
	if r.standing == sessions.Worthless {
		r.entry = nil
	}
	r.oldSecret = r.standing == sessions.Superseded || r.standing == sessions.UnknownCustomer
	r.bot = r.botReason()
	return r
}

// adopt looks at a cookie of the Express service. It reports whether it was one
// that says whose session this is.
func (r *Request) adopt(value []byte) bool {
	if r.q.Legacy == nil {
		return false
	}
	a, ok, err := r.q.Legacy.Adopt(r.r, value, &r.left)
	switch {
	case err != nil:
		r.err = err
		return true
	case !ok:
		return false
	}
	r.token, r.hasToken, r.entry, r.standing = a.Token, true, a.Entry, a.Standing
	if a.Standing == sessions.Current { // otherwise it has logged in meanwhile: its cookie is on its way
		r.setSession = true
		if visitor, err := uuid.Parse(a.Entry.VisitorID()); err == nil {
			r.setVisitor = visitor
		}
	}
	return true
}

// botReason says why the request was made by software, "" if it was not. The user
// agent that the session began with was examined then.
func (r *Request) botReason() string {
	if r.entry != nil && r.q.Describe.Reason == nil {
		if agents := r.r.Header["User-Agent"]; len(agents) == 1 && r.entry.IsPerson(agents[0]) {
			return ""
		}
	}
	return r.q.Describe.Bot(r.r)
}

// KeepPersonal keeps the request's answer, which is for a customer, out of shared caches.
func (r *Request) KeepPersonal() {
	r.mu.Lock()
	r.personal = true
	r.mu.Unlock()
}

// Session is the request's session as this process knows it. One is begun if there
// is none and one may be. It returns false when there is none.
func (r *Request) Session() (store.Session, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.session(false)
	if e == nil {
		return store.Session{}, false
	}
	session := e.Session()
	if r.standing != sessions.Current {
		session.CustomerID = "" // a superseded secret is good for counting only
	}
	return session, true
}

// Visitor is the id of the request's visitor: the one that its signed cookie names,
// otherwise that of its session. It returns false when there is none.
func (r *Request) Visitor() (id string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.visitorCookie(clock.Now()); ok {
		return c.id.String(), true
	}
	if e := r.session(false); e != nil {
		return e.VisitorID(), true
	}
	return "", false
}

// A visitorCookie is one that we signed and that is within its time.
type visitorCookie struct {
	id   uuid.UUID
	wire string
	old  bool // an older secret signed it
}

func (c *visitorCookie) end(lifetime time.Duration) time.Time {
	return cookie.VisitorEnd(c.id, lifetime)
}

// visitorCookie is the request's visitor cookie, if it has a good one.
func (r *Request) visitorCookie(at time.Time) (c visitorCookie, ok bool) {
	var buf [cookie.MaxLength]byte
	cookie.Each(r.r.Header, r.q.Options.Visitor.Name, func(wire string) bool {
		value, old, valid := r.q.Keys.Verify(buf[:0], wire)
		if !valid {
			r.q.badCookies.Add(1)
			return false
		}
		c = visitorCookie{wire: wire, old: old}
		c.id, ok = cookie.ParseVisitor(value)
		ok = ok && at.Before(c.end(r.q.VisitorTTL))
		return ok
	})
	return c, ok
}
