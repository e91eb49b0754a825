package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/store"
)

// begun returns a SessionBegun as the middleware makes it.
func begun(at time.Time) *store.SessionBegun {
	id := idAt(at)
	f := &store.SessionBegun{Record: store.Record{Session: store.Session{
		SessionID: id, VisitorID: idAt(at),
		IPAddress: fmt.Sprintf("203.%d.%d.0", id[35]%100, id[34]%100), UserAgent: load.Agent,
		Device: "desktop", Browser: "Chrome", OS: "Linux", LandingPage: "/products/17?utm_source=letter&utm_medium=email",
		Referrer: "https://www.example.com/", Channel: "Email", UTMSource: "letter", UTMMedium: "email",
		StartedAt: at, LastSeenAt: at,
	}}}
	f.Version, f.SecretHash = at.UnixMilli(), sha256.Sum256([]byte(id))
	return f
}

// viewed returns a page view of a session.
func viewed(s *store.SessionBegun, at time.Time, product int) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{
		EventID: idAt(at), SessionID: s.SessionID, VisitorID: s.VisitorID, EventType: footfall.EventPageView,
		Page: fmt.Sprintf("/products/%d?from=list", product), CreatedAt: at,
	}}
}

// idAt returns a UUIDv7 made at a given time.
func idAt(at time.Time) string {
	id := uuid.New() // random at first
	ms := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	return id.String()
}
