package mongoarchive_test

import (
	"fmt"
	"time"

	"github.com/footfall-go/footfall/store"
)

var began = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

func sessionID(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012x", n) }
func visitorID(n int) string { return fmt.Sprintf("01970000-0000-7000-9000-%012x", n) }

func begun(n int) *store.SessionBegun {
	f := &store.SessionBegun{}
	f.SessionID, f.VisitorID, f.StartedAt, f.LastSeenAt = sessionID(n), visitorID(n), began, began
	f.Version = began.UnixMilli()
	f.SecretHash[0] = 1
	return f
}

func view(n int, eventID string) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{EventID: eventID, SessionID: sessionID(n), VisitorID: visitorID(n), EventType: store.EventPageView, Page: "/p/1?a=b", CreatedAt: began.Add(time.Second)}}
}

func login(n int, customer string, ms int) *store.CredentialsChanged {
	return &store.CredentialsChanged{SessionID: sessionID(n), Cred: store.Credentials{
		Version: began.UnixMilli() + int64(ms), SecretHash: store.SecretHash{2}, Superseded: store.SecretHash{1}, CustomerID: customer, AuthenticatedAt: began,
	}}
}
