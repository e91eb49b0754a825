package footfall

import (
	"net/http"
	"time"

	"github.com/google/uuid"

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
			age = v.entry.StartedAt().Add(age).Sub(at)
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
	known := false
	cookie.Each(v.r.Header, v.t.config.VisitorCookie, func(wire string) bool {
		known = v.entry.KnowsVisitorCookie(wire, at)
		return true
	})
	if known {
		return
	}
	if held, ok := v.visitorCookie(at); ok {
		if held.old {
			v.setVisitor = held.id
		}
		v.entry.RememberVisitorCookie(held.wire, held.until(v.t.config.VisitorTTL))
		return
	}
	id, err := uuid.Parse(v.entry.VisitorID())
	if err == nil && id.Version() == 7 && at.Before(cookie.VisitorEnd(id, v.t.config.VisitorTTL)) {
		v.setVisitor = id
	}
}

func (t *Tracker) sessionCookie() cookie.Attributes {
	return cookie.Attributes{Name: t.config.SessionCookie, Secure: !t.config.Insecure, HTTPOnly: true}
}
