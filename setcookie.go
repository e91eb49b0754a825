package footfall

import (
	"hash/maphash"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
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
		v.t.sessionCookie().Set(header, v.setSession, age)
	} else if v.dropSession {
		v.t.sessionCookie().Clear(header)
	}
	if v.setVisitor != uuid.Nil {
		age := cookie.VisitorEnd(v.setVisitor, v.t.config.VisitorTTL).Sub(at)
		visitor := cookie.Attributes{Name: v.t.config.VisitorCookie, Secure: !v.t.config.Insecure}
		visitor.Set(header, v.t.keys.Sign(cookie.VisitorValue(v.setVisitor)), age)
	}
	cookie.KeepPrivate(header)
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
	if err == nil && id.Version() == 7 && at.Before(cookie.VisitorEnd(id, v.t.config.VisitorTTL)) {
		v.setVisitor = id
	}
}

// knowsVisitorCookie says that a request has the visitor cookie that was verified
// in an earlier one of its session: that saves the signature.
func (e *entry) knowsVisitorCookie(h http.Header, name string, at time.Time) (known bool) {
	e.mu.Lock()
	wire, until := e.visitorWire, e.visitorUntil
	e.mu.Unlock()
	if at.UnixMilli() >= until {
		return false
	}
	cookie.Each(h, name, func(sent string) bool {
		known = maphash.String(wireSeed, sent) == wire
		return true
	})
	return known
}

// wireSeed makes hashes that nobody outside can foresee. The worst that two
// cookies with one hash can do is that a visitor keeps the wrong one.
var wireSeed = maphash.MakeSeed()

func (e *entry) noteVisitorCookie(wire string, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.visitorWire, e.visitorUntil = maphash.String(wireSeed, wire), clock.Millis(until)
}

func (t *Tracker) sessionCookie() cookie.Attributes {
	return cookie.Attributes{Name: t.config.SessionCookie, Secure: !t.config.Insecure, HTTPOnly: true}
}
