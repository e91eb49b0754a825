package archivetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/store"
)

// Ids have the form of the tracker's ids.
func sid(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012x", n) }
func vid(n int) string { return fmt.Sprintf("01970000-0000-7000-9000-%012x", n) }
func eid(n int) string { return fmt.Sprintf("01970000-0000-7000-a000-%012x", n) }

// at returns a moment of the test's day, this many milliseconds into it.
func at(ms int) time.Time {
	return time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// version returns the version of a change made at a moment.
func version(ms int) int64 { return at(ms).UnixMilli() }

func hash(n int) (h store.SecretHash) {
	for i := range h {
		h[i] = byte(n + i*n)
	}
	h[0] = 1
	return h
}

// record returns session n, which begins at a moment.
func record(n, ms int) store.Record {
	return store.Record{
		Session: store.Session{SessionID: sid(n), VisitorID: vid(n), StartedAt: at(ms), LastSeenAt: at(ms)},
		Version: version(ms), SecretHash: hash(n),
	}
}

func begun(n, ms int) *store.SessionBegun { return &store.SessionBegun{Record: record(n, ms)} }

func event(n, id int, kind string, ms int) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{
		EventID: eid(id), SessionID: sid(n), VisitorID: vid(n), EventType: kind, Page: fmt.Sprintf("/p/%d", id), CreatedAt: at(ms),
	}}
}

func view(n, id, ms int) *store.EventRecorded { return event(n, id, store.EventPageView, ms) }

func seen(n, ms int) *store.SessionSeen {
	return &store.SessionSeen{SessionID: sid(n), At: at(ms)}
}

// login returns a login at ms whose password check began at checked.
func login(n, ms int, customer string, checked int) *store.CredentialsChanged {
	return &store.CredentialsChanged{SessionID: sid(n), Cred: store.Credentials{
		Version: version(ms), SecretHash: hash(n + 100 + ms%100), Superseded: hash(n), CustomerID: customer, AuthenticatedAt: at(checked),
	}}
}

// end returns the end of a session, of an anonymous one or of a customer's.
func end(n, ms int, customer string, checked int, reason store.EndReason) *store.CredentialsChanged {
	f := login(n, ms, customer, checked)
	f.Cred.EndedAt, f.Cred.EndReason = at(ms), reason
	if customer == "" {
		f.Cred.AuthenticatedAt = time.Time{}
	}
	return f
}

func revoked(customer string, ms int) *store.CustomerRevoked {
	return &store.CustomerRevoked{CustomerID: customer, Before: at(ms)}
}

func value(n int, key, text string, ms int) *store.ValueSet {
	f := &store.ValueSet{SessionID: sid(n), Key: key, At: at(ms)}
	if text != "" {
		f.Value.JSON = json.RawMessage(text)
	}
	return f
}

func order(id string, n, amount, ms int) *store.OrderPlaced {
	o := &store.OrderPlaced{EventID: "e-" + id, Order: store.Order{OrderID: id, Total: store.Money{Amount: int64(amount), Currency: "EUR"}, CreatedAt: at(ms)}}
	if n != 0 {
		o.SessionID, o.VisitorID = sid(n), vid(n)
	}
	return o
}

func refund(id, orderID string, n, amount, ms int) *store.OrderRefunded {
	f := &store.OrderRefunded{RefundID: id, OrderID: orderID, Amount: store.Money{Amount: int64(amount), Currency: "EUR"}, EventID: "e-" + id, At: at(ms)}
	if n != 0 {
		f.SessionID, f.VisitorID = sid(n), vid(n)
	}
	return f
}

func fold(into, folded int) *store.SessionsFolded {
	return &store.SessionsFolded{Into: sid(into), Folded: sid(folded), Visitor: vid(into)}
}

func bot(id, ms int, reason string) *store.BotSeen {
	return &store.BotSeen{EventID: eid(id), Reason: reason, UserAgent: "bot/1.0", IPAddress: "192.0.2.0", Page: "/", At: at(ms)}
}

// unheardOf is a fact of a type that no archive knows.
type unheardOf struct{ store.Fact }

// history returns facts of a shop's visitors over some time. It has every type of
// fact, more events than an archive inserts at a time, and more sessions than it
// looks up at a time, interleaved. Sessions are numbered from 1 to n; 3 places an
// order, 4 logs out, 5 is folded into 6.
func history(n int) []store.Fact {
	var log []store.Fact
	id, ms := 0, 0
	next := func() (int, int) { id++; ms += 7; return id, ms }
	for s := 1; s <= n; s++ {
		_, ms := next()
		log = append(log, begun(s, ms))
		id, ms := next()
		log = append(log, view(s, id, ms))
	}
	for round := range 3 {
		for s := 1; s <= n; s++ {
			if s == 5 && round > 0 {
				continue
			}
			id, ms := next()
			if (s+round)%4 == 0 {
				log = append(log, event(s, id, store.EventAddToCart, ms))
			} else {
				log = append(log, view(s, id, ms))
			}
		}
		if round == 0 {
			_, ms := next()
			log = append(log, fold(6, 5), login(3, ms, "c3", ms-3), login(4, ms+1, "c4", ms-3), value(3, "cart", `{"id":7}`, ms))
		}
	}
	_, ms = next()
	log = append(log, order("o-3", 3, 4200, ms), seen(3, ms+1), refund("r-3", "o-3", 3, 200, ms+2), end(4, ms+3, "c4", 1, store.EndLogout),
		revoked("c9", ms+3), bot(900_000, ms+4, "user_agent"), value(3, "cart", "", ms+5))
	return log
}

func historySessions(n int) (ids []string) {
	for s := 1; s <= n; s++ {
		ids = append(ids, sid(s))
	}
	return ids
}
