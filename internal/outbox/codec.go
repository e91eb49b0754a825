package outbox

import (
	"fmt"
	"reflect"

	"github.com/footfall-go/footfall/internal/wire"
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
func fields(w *wire.Wire, fact store.Fact) {
	switch f := fact.(type) {
	case *store.SessionBegun:
		w.Text(1, &f.SessionID)
		w.Text(2, &f.VisitorID)
		w.Record(&f.Record)
	case *store.EventRecorded:
		eventFields(w, &f.Event)
	case *store.SessionSeen:
		w.Text(1, &f.SessionID)
		w.Time(2, &f.At)
	case *store.CredentialsChanged:
		w.Text(1, &f.SessionID)
		c := &f.Cred
		w.Credentials(&c.Version, &c.SecretHash, &c.Superseded, &c.CustomerID, &c.AuthenticatedAt, &c.EndedAt, &c.EndReason)
	case *store.CustomerRevoked:
		w.Text(1, &f.CustomerID)
		w.Time(2, &f.Before)
	case *store.ValueSet:
		w.Text(1, &f.SessionID)
		w.Text(2, &f.Key)
		w.Raw(3, &f.Value.JSON)
		w.Flag(4, &f.Value.Keep)
		w.Time(5, &f.At)
	case *store.OrderPlaced:
		w.Text(1, &f.OrderID)
		w.Text(2, &f.SessionID)
		w.Text(3, &f.VisitorID)
		w.Text(4, &f.CustomerID)
		w.Int(5, &f.Total.Amount)
		w.Text(6, &f.Total.Currency)
		w.Raw(7, &f.Metadata)
		w.Time(8, &f.CreatedAt)
		w.Text(9, &f.EventID)
	case *store.OrderRefunded:
		w.Text(1, &f.RefundID)
		w.Text(2, &f.OrderID)
		w.Text(3, &f.SessionID)
		w.Text(4, &f.VisitorID)
		w.Int(5, &f.Amount.Amount)
		w.Text(6, &f.Amount.Currency)
		w.Text(7, &f.EventID)
		w.Time(8, &f.At)
	case *store.BotSeen:
		w.Text(1, &f.EventID)
		w.Text(2, &f.Reason)
		w.Text(3, &f.UserAgent)
		w.Text(4, &f.IPAddress)
		w.Text(5, &f.Page)
		w.Time(6, &f.At)
	case *store.SessionsFolded:
		w.Text(1, &f.Into)
		w.Text(2, &f.Folded)
		w.Text(3, &f.Visitor)
	case *store.VisitsUncounted:
		w.Text(1, &f.EventID)
		w.Time(2, &f.Minute)
		w.Text(3, &f.Reason)
		w.Int(4, &f.Count)
		w.Flag(5, &f.Bots)
	}
}

func eventFields(w *wire.Wire, e *store.Event) {
	w.Text(1, &e.EventID)
	w.Text(2, &e.SessionID)
	w.Text(3, &e.VisitorID)
	w.Text(4, &e.EventType)
	w.Text(5, &e.Page)
	w.Text(6, &e.ProductID)
	w.Raw(7, &e.Metadata)
	w.Time(8, &e.CreatedAt)
}

func unattributedFields(w *wire.Wire, u *unattributed) {
	eventFields(w, &u.Event)
	w.Hash(9, &u.secret)
}

// appendFact appends a fact's journal record.
func appendFact(b []byte, fact store.Fact) []byte {
	w := wire.Write(append(b, kindOf(fact)))
	fields(&w, fact)
	return w.Written()
}

func appendUnattributed(b []byte, u *unattributed) []byte {
	w := wire.Write(append(b, kindUnattributed))
	unattributedFields(&w, u)
	return w.Written()
}

// decode reads a journal record: a fact, or an unattributed event.
func decode(record []byte) (store.Fact, *unattributed, error) {
	if len(record) == 0 {
		return nil, nil, fmt.Errorf("%w: empty", wire.ErrMalformed)
	}
	w := wire.Read(string(record[1:]))
	if record[0] == kindUnattributed {
		event := new(unattributed)
		for w.More() {
			unattributedFields(&w, event)
		}
		return nil, event, w.Err()
	}
	fact := newFact(record[0])
	if fact == nil {
		return nil, nil, fmt.Errorf("%w: unknown kind %d", wire.ErrMalformed, record[0])
	}
	for w.More() {
		fields(&w, fact)
	}
	return fact, nil, w.Err()
}
