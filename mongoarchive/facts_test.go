package mongoarchive_test

import (
	"fmt"
	"time"

	"github.com/footfall-go/footfall"
)

var began = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

func sessionID(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012x", n) }
func visitorID(n int) string { return fmt.Sprintf("01970000-0000-7000-9000-%012x", n) }

func begun(n int) *footfall.SessionBegun {
	f := &footfall.SessionBegun{}
	f.SessionID, f.VisitorID, f.Type, f.StartedAt, f.LastSeenAt = sessionID(n), visitorID(n), footfall.Anonymous, began, began
	f.Cred.Version = began.UnixMilli()
	f.Cred.SecretHash[0] = 1
	return f
}

func view(n int, eventID string) *footfall.EventRecorded {
	return &footfall.EventRecorded{Event: footfall.Event{EventID: eventID, SessionID: sessionID(n), VisitorID: visitorID(n), EventType: footfall.EventPageView, Page: "/p/1?a=b", CreatedAt: began.Add(time.Second)}}
}

func login(n int, customer string, ms int) *footfall.CredentialsChanged {
	return &footfall.CredentialsChanged{SessionID: sessionID(n), Cred: footfall.Credentials{
		Version: began.UnixMilli() + int64(ms), SecretHash: footfall.SecretHash{2}, Superseded: footfall.SecretHash{1}, CustomerID: customer, AuthenticatedAt: began,
	}}
}
