package archivetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// A model holds what an archive should hold after a history. It is the contract
// in its simplest form. Each fact is applied once, in order.
type model struct {
	sessions map[string]*modelSession
	events   map[string]store.Event // each with the session it was recorded in
	orders   map[string]*store.Order
	refunds  map[string]store.OrderRefunded
	bots     map[string]store.BotSeen
	capped   map[string]store.VisitsUncounted
	revoked  map[string][]time.Time // by customer
	changes  []store.CredentialChange
}

type modelSession struct {
	rec      store.Record    // page views and conversion are computed when it is read
	guests   []*modelSession // sessions ever folded into it: its lastSeenAt may still include their activity
	valuesAt map[string]time.Time
	into     string // the session it is folded into
}

func newModel() *model {
	return &model{
		sessions: map[string]*modelSession{}, events: map[string]store.Event{}, orders: map[string]*store.Order{},
		refunds: map[string]store.OrderRefunded{}, bots: map[string]store.BotSeen{}, capped: map[string]store.VisitsUncounted{}, revoked: map[string][]time.Time{},
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// active returns the session that a fact concerns, and restores it if it was
// folded.
func (m *model) active(id string) *modelSession {
	s := m.sessions[id]
	if s != nil {
		s.into = ""
	}
	return s
}

func (m *model) saw(s *modelSession, at time.Time) { s.rec.LastSeenAt = later(s.rec.LastSeenAt, at) }

func (m *model) event(e store.Event) {
	s := m.active(e.SessionID)
	if _, there := m.events[e.EventID]; there {
		return
	}
	m.events[e.EventID] = e
	if s != nil && isActivity(e) {
		m.saw(s, e.CreatedAt)
	}
}

// isActivity reports whether an event shows the visitor active: an order or a refund
// may come long after the visit.
func isActivity(e store.Event) bool {
	return e.EventType != store.EventOrderCompleted && e.EventType != store.EventRefund
}

func (m *model) apply(fact store.Fact) {
	switch f := fact.(type) {
	case *store.SessionBegun:
		if m.sessions[f.SessionID] == nil {
			s := &modelSession{rec: f.Record, valuesAt: map[string]time.Time{}}
			s.rec.Values = maps.Clone(f.Values)
			m.sessions[f.SessionID] = s
			m.endIfRevoked(s)
			for _, e := range m.events { // they came before it
				if e.SessionID == f.SessionID && isActivity(e) {
					m.saw(s, e.CreatedAt)
				}
			}
		}
	case *store.EventRecorded:
		m.event(f.Event)
	case *store.SessionSeen:
		m.saw(m.active(f.SessionID), f.At)
	case *store.CredentialsChanged:
		s := m.active(f.SessionID)
		had, ended := s.rec.CustomerID, s.rec.EndedAt
		if f.Cred.Version > s.rec.Version {
			m.setCredentials(s, f.Cred)
			m.saw(s, f.Cred.EndedAt)
			if had != "" || f.Cred.CustomerID != "" {
				m.changes = append(m.changes, store.CredentialChange{SessionID: f.SessionID, Version: f.Cred.Version})
			}
			m.endIfRevoked(s)
		} else if change := (store.CredentialChange{SessionID: f.SessionID, Version: s.rec.Version}); had == "" && !ended.IsZero() && f.Cred.CustomerID != "" && !slices.Contains(m.changes, change) {
			m.changes = append(m.changes, change)
		}
	case *store.CustomerRevoked:
		m.revoke(f)
	case *store.ValueSet:
		s := m.active(f.SessionID)
		if f.At.Before(s.valuesAt[f.Key]) {
			return
		}
		s.valuesAt[f.Key] = f.At
		if s.rec.Values == nil {
			s.rec.Values = map[string]store.Value{}
		}
		if delete(s.rec.Values, f.Key); len(f.Value.JSON) > 0 {
			s.rec.Values[f.Key] = f.Value
		}
	case *store.OrderPlaced:
		m.place(f)
	case *store.OrderRefunded:
		if _, there := m.refunds[f.RefundID]; !there {
			m.refunds[f.RefundID] = *f
		}
		if f.SessionID != "" {
			m.event(store.Event{EventID: f.EventID, SessionID: f.SessionID, VisitorID: f.VisitorID, EventType: store.EventRefund, CreatedAt: f.At})
		}
	case *store.BotSeen:
		m.bots[f.EventID] = *f
	case *store.VisitsUncounted:
		m.capped[f.EventID] = *f
	case *store.SessionsFolded:
		into, folded := m.sessions[f.Into], m.sessions[f.Folded]
		if into == nil || folded == nil || into == folded || into.into != "" || folded.into != "" || folded.rec.CustomerID != "" || m.latestOrder(f.Folded) != "" {
			return
		}
		folded.into = f.Into
		into.guests = append(into.guests, folded)
	}
}

func (m *model) setCredentials(s *modelSession, c store.Credentials) {
	s.rec.SetCredentials(c)
}

func (m *model) end(s *modelSession, before time.Time) {
	c := s.rec.Credentials()
	c.EndedAt, c.EndReason, c.Version = before, store.EndRevoked, max(c.Version, before.UnixMilli())
	m.setCredentials(s, c)
}

// wasAlive reports whether a session was alive at a time.
func wasAlive(s *modelSession, at time.Time) bool {
	return store.Lifetimes{}.AliveAt(&s.rec.Session, at)
}

func (m *model) endIfRevoked(s *modelSession) {
	c := s.rec.Credentials()
	for _, before := range m.revoked[c.CustomerID] { // in ascending order
		if c.CustomerID != "" && c.EndedAt.IsZero() && c.AuthenticatedAt.Before(before) {
			if wasAlive(s, before) {
				m.end(s, before)
			}
			return
		}
	}
}

func (m *model) revoke(f *store.CustomerRevoked) {
	for _, s := range m.sessions {
		if c := s.rec.Credentials(); c.CustomerID == f.CustomerID && c.EndedAt.IsZero() && c.AuthenticatedAt.Before(f.Before) && wasAlive(s, f.Before) {
			m.end(s, f.Before)
		}
	}
	for _, before := range m.revoked[f.CustomerID] {
		if !f.Before.After(before) {
			return
		}
	}
	m.revoked[f.CustomerID] = append(m.revoked[f.CustomerID], f.Before)
	m.changes = append(m.changes, store.CredentialChange{CustomerID: f.CustomerID, RevokedBefore: f.Before})
}

func (m *model) place(f *store.OrderPlaced) {
	o := m.orders[f.OrderID]
	switch {
	case o == nil:
		order := f.Order
		o, m.orders[f.OrderID] = &order, &order
	case o.Total != f.Total: // another sale under a used id
		return
	default:
		o.SessionID, o.VisitorID, o.CustomerID = cmp.Or(o.SessionID, f.SessionID), cmp.Or(o.VisitorID, f.VisitorID), cmp.Or(o.CustomerID, f.CustomerID)
		if len(o.Metadata) == 0 {
			o.Metadata = f.Metadata
		}
	}
	if f.SessionID != "" && f.SessionID == o.SessionID {
		m.event(store.Event{EventID: f.EventID, SessionID: f.SessionID, VisitorID: f.VisitorID, EventType: store.EventOrderCompleted, CreatedAt: o.CreatedAt})
	}
}

// latestOrder returns the latest order of a session, "" if it has none.
func (m *model) latestOrder(sessionID string) (id string) {
	var latest time.Time
	for _, o := range m.orders {
		if o.SessionID == sessionID && (o.CreatedAt.After(latest) || o.CreatedAt.Equal(latest) && o.OrderID > id) {
			id, latest = o.OrderID, o.CreatedAt
		}
	}
	return id
}

// home returns the session under which an event is listed.
func (m *model) home(e store.Event) string {
	if s := m.sessions[e.SessionID]; s != nil && s.into != "" {
		return s.into
	}
	return e.SessionID
}

// compare compares everything that can be read.
func (m *model) compare(t *tester, rule string) {
	t.Helper()
	var listed []*modelSession
	for _, id := range slices.Sorted(maps.Keys(m.sessions)) {
		s := m.sessions[id]
		if s.into == "" {
			listed = append(listed, s)
		}
		m.compareSession(t, s, rule)
	}
	slices.SortFunc(listed, func(a, b *modelSession) int { return b.rec.StartedAt.Compare(a.rec.StartedAt) })
	ids := []string{}
	for _, s := range listed {
		ids = append(ids, s.rec.SessionID)
	}
	t.want(t.sessions(report.Filter{}), ids, "%s: sessions that are listed", rule)
	for id, o := range m.orders {
		t.want(t.order(id), *o, "%s: order", rule)
	}
	for id, r := range m.refunds {
		t.want(t.refund(id), store.Refund{RefundID: id, OrderID: r.OrderID, Amount: r.Amount, CreatedAt: r.At}, "%s: refund", rule)
	}
	m.compareStats(t, listed, rule)
	changes, _ := t.changes(0)
	t.want(changes, m.changes, "%s: the feed of credential changes", rule)
}

func (m *model) compareSession(t *tester, s *modelSession, rule string) {
	t.Helper()
	id := s.rec.SessionID
	var events []store.Event
	want := s.rec
	for _, e := range m.events {
		if m.home(e) == id {
			events = append(events, e)
		}
		if e.EventType == store.EventPageView && (m.home(e) == id || e.SessionID == id) {
			want.PageViews++
		}
	}
	slices.SortFunc(events, func(a, b store.Event) int { return a.CreatedAt.Compare(b.CreatedAt) })
	ids := []string{}
	for _, e := range events {
		ids = append(ids, e.EventID)
	}
	t.want(t.eventIDs(id), ids, "%s: events of session %s", rule, id)

	want.OrderID = m.latestOrder(id)
	want.Converted = want.OrderID != ""
	got := t.session(id)
	most := want.LastSeenAt
	for _, g := range s.guests {
		most = later(most, g.rec.LastSeenAt)
	}
	if got.LastSeenAt.Before(want.LastSeenAt) || got.LastSeenAt.After(most) {
		t.Errorf("%s: session %s was last seen at %s, want %s to %s", rule, id, show(got.LastSeenAt), show(want.LastSeenAt), show(most))
	}
	want.LastSeenAt = got.LastSeenAt
	if len(got.Values) == 0 && len(want.Values) == 0 {
		got.Values, want.Values = nil, nil
	}
	t.want(got, want, "%s: session %s", rule, id)
}

func (m *model) compareStats(t *tester, listed []*modelSession, rule string) {
	t.Helper()
	visitors, customers := map[string]bool{}, map[string]bool{}
	views, converted := int64(0), int64(0)
	for _, s := range listed {
		visitors[s.rec.VisitorID] = true
		if s.rec.CustomerID != "" {
			customers[s.rec.CustomerID] = true
		}
		if m.latestOrder(s.rec.SessionID) != "" {
			converted++
		}
	}
	for _, e := range m.events {
		if e.EventType == store.EventPageView {
			views++
		}
	}
	revenue, refunded, uncounted := int64(0), int64(0), int64(0)
	for _, o := range m.orders {
		revenue += o.Total.Amount
	}
	for _, r := range m.refunds {
		if m.orders[r.OrderID] != nil {
			refunded += r.Amount.Amount
		}
	}
	for _, u := range m.capped {
		uncounted += u.Count
	}
	s := t.stats()
	sum := func(money []store.Money) (n int64) {
		for _, x := range money {
			n += x.Amount
		}
		return n
	}
	t.want(map[string]int64{
		"sessions": s.Sessions, "visitors": s.Visitors, "customers": s.Customers, "pageViews": s.PageViews, "events": s.Events, "converted": s.Converted,
		"orders": s.Orders, "revenue": sum(s.Revenue), "refunded": sum(s.Refunded), "bots": s.BotViews, "uncounted": s.UncountedVisits,
	}, map[string]int64{
		"sessions": int64(len(listed)), "visitors": int64(len(visitors)), "customers": int64(len(customers)), "pageViews": views, "events": int64(len(m.events)), "converted": converted,
		"orders": int64(len(m.orders)), "revenue": revenue, "refunded": refunded, "bots": int64(len(m.bots)), "uncounted": uncounted,
	}, "%s: figures", rule)
}
