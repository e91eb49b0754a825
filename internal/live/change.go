package live

import (
	"encoding/json"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/store"
)

// Merge takes over what a store knows of the session: higher credentials win,
// times and counts only grow.
func (e *Entry) Merge(rec store.Record, unknown map[string]json.RawMessage, readAt time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.merge(rec, unknown, readAt)
}

// MergeArchived is Merge of what the archive has, which keeps no members of other
// versions.
func (e *Entry) MergeArchived(rec store.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.merge(rec, e.unknown, time.Time{})
}

func (e *Entry) merge(rec store.Record, unknown map[string]json.RawMessage, readAt time.Time) {
	if rec.Version > e.rec.Version {
		if rec.SecretHash != e.rec.SecretHash {
			e.secretUsed = UsedSince(&rec)
		}
		e.rec.SetCredentials(rec.Credentials())
		e.rec.Values = rec.Values
		e.unknown = unknown
		if rec.Converted {
			e.rec.Converted, e.rec.OrderID = true, rec.OrderID
		}
		e.resize()
	}
	e.rec.PageViews = max(e.rec.PageViews, rec.PageViews)
	e.sawActivity(rec.LastSeenAt)
	if rec.Converted && !e.rec.Converted {
		e.rec.Converted, e.rec.OrderID = true, rec.OrderID
	}
	e.wasRead(readAt)
}

func (e *Entry) sawActivity(at time.Time) {
	if at.After(e.rec.LastSeenAt) {
		e.rec.LastSeenAt = at
	}
}

func (e *Entry) countsWereRead(at time.Time) {
	if at.After(e.countsAt) {
		e.countsAt = at
	}
}

func (e *Entry) wasRead(at time.Time) {
	if at.After(e.readAt) {
		e.readAt = at
	}
}

// Refresh takes over what the hot store has merged from all writers, if a document
// that it holds, of a version and a series, is the one that this entry has taken over
// before: then there is no need to decode it. It reports whether it is.
func (e *Entry) Refresh(version int64, series string, merged store.Activity, readAt time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rec.Version != version || e.series != series {
		return false
	}
	e.rec.PageViews = max(e.rec.PageViews, e.base.views+merged.Views)
	e.events = max(e.events, e.base.events+merged.Events)
	e.orders = max(e.orders, e.base.orders+merged.Orders)
	e.sawActivity(clock.FromMillis(merged.LastSeen))
	e.wasRead(readAt)
	e.countsWereRead(readAt)
	return true
}

// Distrust has the entry read again before it is believed.
func (e *Entry) Distrust() {
	e.mu.Lock()
	e.readAt = time.Time{}
	e.mu.Unlock()
}

// Restart begins a new series of counts for a document that has to be written anew
// because the hot store lost it, and returns that document.
func (e *Entry) Restart() Document {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.base, e.own = counts{e.rec.PageViews, e.events, e.orders}, counts{}
	e.series, e.writer = e.names.Series(), ""
	e.restoredAt = clock.Now()
	return e.document()
}

// Keep takes over a document that was read from a store, and reports whether the
// document was written anew: then its page views include what this entry has counted,
// and this entry begins to count from zero. Merged was counted on top of the document,
// which includes it.
func (e *Entry) Keep(d Document, readAt time.Time, merged store.Activity) (rewritten bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.merge(d.Record, d.Unknown, readAt)
	e.countsWereRead(readAt)
	e.events, e.orders = max(e.events, d.Events), max(e.orders, d.Orders)
	if d.RestoredAt.After(e.restoredAt) {
		e.restoredAt = d.RestoredAt
	}
	if d.Series == e.series {
		return false
	}
	e.base, e.series, e.writer, e.own = d.without(merged), d.Series, "", counts{}
	return true
}

// End replaces the credentials by those of the session's end, whatever they are.
func (e *Entry) End(cred store.Credentials, position journal.Position) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cred.Version = max(cred.Version, e.rec.Version+1)
	e.rec.SetCredentials(cred)
	e.position = max(e.position, position)
}

// GiveTo sets the customer and the values of a session that has not been announced.
// Such a session is not folded, so it loses its sibling key.
func (e *Entry) GiveTo(customerID string, authenticatedAt time.Time, values map[string]store.Value) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rec.CustomerID, e.rec.AuthenticatedAt, e.rec.Values = customerID, authenticatedAt, values
	e.resize()
	e.siblings = SiblingKey{}
}

// Convert records the session's latest order. position is that of the order's fact in
// the journal.
func (e *Entry) Convert(orderID string, position journal.Position) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rec.Converted, e.rec.OrderID = true, orderID
	e.position = max(e.position, position)
}

// Absorb adds the page views of a session that was folded into this one. position is
// that of the fact in the journal. It reports whether the caller has to queue the entry for the hot
// store.
func (e *Entry) Absorb(views int64, position journal.Position) (queue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rec.PageViews += views
	e.own.views += views
	e.position = max(e.position, position)
	return e.markUnsent()
}
