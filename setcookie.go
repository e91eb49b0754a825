package footfall

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// setCookies writes the visit's cookies into the header.
func (v *visit) setCookies(header http.Header, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
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
		age := visitorUntil(v.setVisitor, v.t.config.VisitorTTL).Sub(at)
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
	if err == nil && id.Version() == 7 && at.Before(visitorUntil(id, v.t.config.VisitorTTL)) {
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
