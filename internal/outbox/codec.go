package outbox

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/store"
)

// The kinds of fact in the journal. A number is never used again.
const (
	kindSessionBegun       = 1
	kindEventRecorded      = 2
	kindSessionSeen        = 3
	kindCredentialsChanged = 4
	kindCustomerRevoked    = 5
	kindValueSet           = 6
	kindOrderPlaced        = 7
	kindOrderRefunded      = 8
	kindBotSeen            = 9
	kindSessionsFolded     = 10
	kindVisitsUncounted    = 11
	kindUnattributed       = 12
)

// kindOf is the kind of a fact.
func kindOf(fact store.Fact) byte {
	switch fact.(type) {
	case *store.SessionBegun:
		return kindSessionBegun
	case *store.EventRecorded:
		return kindEventRecorded
	case *store.SessionSeen:
		return kindSessionSeen
	case *store.CredentialsChanged:
		return kindCredentialsChanged
	case *store.CustomerRevoked:
		return kindCustomerRevoked
	case *store.ValueSet:
		return kindValueSet
	case *store.OrderPlaced:
		return kindOrderPlaced
	case *store.OrderRefunded:
		return kindOrderRefunded
	case *store.BotSeen:
		return kindBotSeen
	case *store.SessionsFolded:
		return kindSessionsFolded
	case *store.VisitsUncounted:
		return kindVisitsUncounted
	}
	// Not with %T: to print a fact would make every fact escape to the heap.
	panic("footfall: a fact of type " + reflect.TypeOf(fact).String() + " has no journal record")
}

// newFact is an empty fact of a kind, nil if there is none.
func newFact(kind byte) store.Fact {
	switch kind {
	case kindSessionBegun:
		return new(store.SessionBegun)
	case kindEventRecorded:
		return new(store.EventRecorded)
	case kindSessionSeen:
		return new(store.SessionSeen)
	case kindCredentialsChanged:
		return new(store.CredentialsChanged)
	case kindCustomerRevoked:
		return new(store.CustomerRevoked)
	case kindValueSet:
		return new(store.ValueSet)
	case kindOrderPlaced:
		return new(store.OrderPlaced)
	case kindOrderRefunded:
		return new(store.OrderRefunded)
	case kindBotSeen:
		return new(store.BotSeen)
	case kindSessionsFolded:
		return new(store.SessionsFolded)
	case kindVisitsUncounted:
		return new(store.VisitsUncounted)
	}
	return nil
}

// fields walks the fields of a fact, to write them or to read them: the one list
// of what a record of its kind holds. A field's number is never used again for
// another; numbers are below 128.
func (w *wire) fields(fact store.Fact) {
	switch f := fact.(type) {
	case *store.SessionBegun:
		w.record(&f.Record)
	case *store.EventRecorded:
		w.event(&f.Event)
	case *store.SessionSeen:
		text(w, 1, &f.SessionID)
		w.time(2, &f.At)
	case *store.CredentialsChanged:
		text(w, 1, &f.SessionID)
		c := &f.Cred
		w.credentials(&c.Version, &c.SecretHash, &c.Superseded, &c.CustomerID, &c.AuthenticatedAt, &c.EndedAt, &c.EndReason)
	case *store.CustomerRevoked:
		text(w, 1, &f.CustomerID)
		w.time(2, &f.Before)
	case *store.ValueSet:
		text(w, 1, &f.SessionID)
		text(w, 2, &f.Key)
		w.raw(3, &f.Value.JSON)
		w.flag(4, &f.Value.Keep)
		w.time(5, &f.At)
	case *store.OrderPlaced:
		text(w, 1, &f.OrderID)
		text(w, 2, &f.SessionID)
		text(w, 3, &f.VisitorID)
		text(w, 4, &f.CustomerID)
		w.int(5, &f.Total.Amount)
		text(w, 6, &f.Total.Currency)
		w.raw(7, &f.Metadata)
		w.time(8, &f.CreatedAt)
		text(w, 9, &f.EventID)
	case *store.OrderRefunded:
		text(w, 1, &f.RefundID)
		text(w, 2, &f.OrderID)
		text(w, 3, &f.SessionID)
		text(w, 4, &f.VisitorID)
		w.int(5, &f.Amount.Amount)
		text(w, 6, &f.Amount.Currency)
		text(w, 7, &f.EventID)
		w.time(8, &f.At)
	case *store.BotSeen:
		text(w, 1, &f.EventID)
		text(w, 2, &f.Reason)
		text(w, 3, &f.UserAgent)
		text(w, 4, &f.IPAddress)
		text(w, 5, &f.Page)
		w.time(6, &f.At)
	case *store.SessionsFolded:
		text(w, 1, &f.Into)
		text(w, 2, &f.Folded)
		text(w, 3, &f.Visitor)
	case *store.VisitsUncounted:
		text(w, 1, &f.EventID)
		w.time(2, &f.Minute)
		text(w, 3, &f.Reason)
		w.int(4, &f.Count)
		w.flag(5, &f.Bots)
	}
}

func (w *wire) event(e *store.Event) {
	text(w, 1, &e.EventID)
	text(w, 2, &e.SessionID)
	text(w, 3, &e.VisitorID)
	text(w, 4, &e.EventType)
	text(w, 5, &e.Page)
	text(w, 6, &e.ProductID)
	w.raw(7, &e.Metadata)
	w.time(8, &e.CreatedAt)
}

func (w *wire) unattributed(u *unattributed) {
	w.event(&u.Event)
	w.hash(9, &u.secret)
}

func (w *wire) record(r *store.Record) {
	text(w, 1, &r.SessionID)
	text(w, 2, &r.VisitorID)
	text(w, 3, &r.IPAddress)
	text(w, 4, &r.UserAgent)
	text(w, 5, &r.Country)
	text(w, 6, &r.City)
	text(w, 7, &r.Device)
	text(w, 8, &r.Browser)
	text(w, 9, &r.OS)
	text(w, 10, &r.LandingPage)
	text(w, 11, &r.Referrer)
	text(w, 12, &r.Channel)
	text(w, 13, &r.UTMSource)
	text(w, 14, &r.UTMMedium)
	text(w, 15, &r.UTMCampaign)
	text(w, 16, &r.UTMTerm)
	text(w, 17, &r.UTMContent)
	text(w, 18, &r.OrderID)
	w.time(30, &r.StartedAt)
	w.time(31, &r.LastSeenAt)
	w.int(32, &r.PageViews)
	w.flag(33, &r.Converted)
	w.values(34, &r.Values)
	w.credentials(&r.Version, &r.SecretHash, &r.Superseded, &r.CustomerID, &r.AuthenticatedAt, &r.EndedAt, &r.EndReason)
}

// The fields of credentials have numbers of their own, so that they can stand
// in a record beside those of a session.
func (w *wire) credentials(version *int64, current, superseded *store.SecretHash, customer *string, authenticated, ended *time.Time, reason *store.EndReason) {
	w.int(40, version)
	w.hash(41, current)
	w.hash(42, superseded)
	text(w, 43, customer)
	w.time(44, authenticated)
	w.time(45, ended)
	text(w, 46, reason)
}

func (w *wire) values(field byte, values *map[string]store.Value) {
	if !w.reading {
		if len(*values) > 0 {
			if encoded, err := jsontext.Marshal(*values); err == nil {
				w.out = appendBytes(w.out, field, encoded)
			}
		}
		return
	}
	if w.at(field) {
		var decoded map[string]store.Value // the caller's own would make every fact escape to the heap
		if err := json.Unmarshal([]byte(w.text), &decoded); err != nil {
			w.err = fmt.Errorf("%w: values: %w", errWire, err)
		}
		*values = decoded
		w.next()
	}
}

// appendFact appends a fact's journal record.
func appendFact(b []byte, fact store.Fact) []byte {
	w := wire{out: append(b, kindOf(fact))}
	w.fields(fact)
	return w.out
}

func appendUnattributed(b []byte, u *unattributed) []byte {
	w := wire{out: append(b, kindUnattributed)}
	w.unattributed(u)
	return w.out
}

// decode reads a journal record: a fact, or an unattributed event.
func decode(record []byte) (store.Fact, *unattributed, error) {
	if len(record) == 0 {
		return nil, nil, fmt.Errorf("%w: empty", errWire)
	}
	w := wire{reading: true, rest: string(record[1:])}
	if record[0] == kindUnattributed {
		event := new(unattributed)
		for w.more() {
			w.unattributed(event)
		}
		return nil, event, w.err
	}
	fact := newFact(record[0])
	if fact == nil {
		return nil, nil, fmt.Errorf("%w: unknown kind %d", errWire, record[0])
	}
	for w.more() {
		w.fields(fact)
	}
	return fact, nil, w.err
}
