package footfall

import (
	"encoding/json"
	"fmt"
	"reflect"
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
	kindEventPending       = 12
)

// appendFact appends a fact's journal record.
func appendFact(b []byte, fact Fact) []byte {
	switch f := fact.(type) {
	case *SessionBegun:
		return appendRecord(append(b, kindSessionBegun), &f.Record)
	case *EventRecorded:
		return appendEvent(append(b, kindEventRecorded), &f.Event)
	case *EventPending:
		b = appendEvent(append(b, kindEventPending), &f.Event)
		return appendString(b, wirePendingHash, f.SecretHash[:])
	case *SessionSeen:
		b = append(b, kindSessionSeen)
		b = appendString(b, 1, f.SessionID)
		return appendMillis(b, 2, f.At)
	case *CredentialsChanged:
		b = append(b, kindCredentialsChanged)
		b = appendString(b, 1, f.SessionID)
		return appendCredentials(b, &f.Cred)
	case *CustomerRevoked:
		b = append(b, kindCustomerRevoked)
		b = appendString(b, 1, f.CustomerID)
		return appendMillis(b, 2, f.Before)
	case *ValueSet:
		b = append(b, kindValueSet)
		b = appendString(b, 1, f.SessionID)
		b = appendString(b, 2, f.Key)
		b = appendString(b, 3, f.Value.JSON)
		b = appendBool(b, 4, f.Value.Keep)
		return appendMillis(b, 5, f.At)
	case *OrderPlaced:
		b = append(b, kindOrderPlaced)
		b = appendString(b, 1, f.OrderID)
		b = appendString(b, 2, f.SessionID)
		b = appendString(b, 3, f.VisitorID)
		b = appendString(b, 4, f.CustomerID)
		b = appendInt(b, 5, f.Total.Amount)
		b = appendString(b, 6, f.Total.Currency)
		b = appendString(b, 7, f.Metadata)
		b = appendMillis(b, 8, f.CreatedAt)
		return appendString(b, 9, f.EventID)
	case *OrderRefunded:
		b = append(b, kindOrderRefunded)
		b = appendString(b, 1, f.RefundID)
		b = appendString(b, 2, f.OrderID)
		b = appendString(b, 3, f.SessionID)
		b = appendString(b, 4, f.VisitorID)
		b = appendInt(b, 5, f.Amount.Amount)
		b = appendString(b, 6, f.Amount.Currency)
		b = appendString(b, 7, f.EventID)
		return appendMillis(b, 8, f.At)
	case *BotSeen:
		b = append(b, kindBotSeen)
		b = appendString(b, 1, f.EventID)
		b = appendString(b, 2, f.Reason)
		b = appendString(b, 3, f.UserAgent)
		b = appendString(b, 4, f.IPAddress)
		b = appendString(b, 5, f.Page)
		return appendMillis(b, 6, f.At)
	case *SessionsFolded:
		b = append(b, kindSessionsFolded)
		b = appendString(b, 1, f.Into)
		b = appendString(b, 2, f.Folded)
		return appendString(b, 3, f.Visitor)
	case *VisitsUncounted:
		b = append(b, kindVisitsUncounted)
		b = appendString(b, 1, f.EventID)
		b = appendMillis(b, 2, f.Minute)
		b = appendString(b, 3, f.Reason)
		return appendInt(b, 4, f.Count)
	default: // not with %T: to print a fact would make every fact escape to the heap
		panic("footfall: a fact of type " + reflect.TypeOf(fact).String() + " has no journal record")
	}
}

// decodeFact reads a journal record.
func decodeFact(record []byte) (Fact, error) {
	if len(record) == 0 {
		return nil, fmt.Errorf("%w: empty", errWire)
	}
	r := wireReader{rest: string(record[1:])}
	var fact Fact
	switch kind := record[0]; kind {
	case kindSessionBegun:
		f := new(SessionBegun)
		decodeRecord(&r, &f.Record)
		fact = f
	case kindEventRecorded:
		f := new(EventRecorded)
		decodeEvent(&r, &f.Event)
		fact = f
	case kindEventPending:
		f := new(EventPending)
		for r.next() {
			if r.field == wirePendingHash {
				f.SecretHash = r.hash()
			} else {
				decodeEventField(&r, &f.Event)
			}
		}
		fact = f
	case kindSessionSeen:
		f := new(SessionSeen)
		for r.next() {
			switch r.field {
			case 1:
				f.SessionID = r.text
			case 2:
				f.At = r.time()
			}
		}
		fact = f
	case kindCredentialsChanged:
		f := new(CredentialsChanged)
		for r.next() {
			if r.field == 1 {
				f.SessionID = r.text
			} else {
				decodeCredential(&r, &f.Cred)
			}
		}
		fact = f
	case kindCustomerRevoked:
		f := new(CustomerRevoked)
		for r.next() {
			switch r.field {
			case 1:
				f.CustomerID = r.text
			case 2:
				f.Before = r.time()
			}
		}
		fact = f
	case kindValueSet:
		f := new(ValueSet)
		decodeValue(&r, f)
		fact = f
	case kindOrderPlaced:
		f := new(OrderPlaced)
		decodeOrder(&r, f)
		fact = f
	case kindOrderRefunded:
		f := new(OrderRefunded)
		decodeRefund(&r, f)
		fact = f
	case kindBotSeen:
		f := new(BotSeen)
		decodeBot(&r, f)
		fact = f
	case kindSessionsFolded:
		f := new(SessionsFolded)
		for r.next() {
			switch r.field {
			case 1:
				f.Into = r.text
			case 2:
				f.Folded = r.text
			case 3:
				f.Visitor = r.text
			}
		}
		fact = f
	case kindVisitsUncounted:
		f := new(VisitsUncounted)
		for r.next() {
			switch r.field {
			case 1:
				f.EventID = r.text
			case 2:
				f.Minute = r.time()
			case 3:
				f.Reason = r.text
			case 4:
				f.Count = r.num
			}
		}
		fact = f
	default:
		return nil, fmt.Errorf("%w: unknown kind %d", errWire, kind)
	}
	if r.err != nil {
		return nil, r.err
	}
	return fact, nil
}

func appendEvent(b []byte, e *Event) []byte {
	b = appendString(b, 1, e.EventID)
	b = appendString(b, 2, e.SessionID)
	b = appendString(b, 3, e.VisitorID)
	b = appendString(b, 4, e.EventType)
	b = appendString(b, 5, e.Page)
	b = appendString(b, 6, e.ProductID)
	b = appendString(b, 7, e.Metadata)
	return appendMillis(b, 8, e.CreatedAt)
}

// wirePendingHash is the field of a pending event that others do not have.
const wirePendingHash = 9

func decodeEvent(r *wireReader, e *Event) {
	for r.next() {
		decodeEventField(r, e)
	}
}

func decodeEventField(r *wireReader, e *Event) {
	switch r.field {
	case 1:
		e.EventID = r.text
	case 2:
		e.SessionID = r.text
	case 3:
		e.VisitorID = r.text
	case 4:
		e.EventType = r.text
	case 5:
		e.Page = r.text
	case 6:
		e.ProductID = r.text
	case 7:
		e.Metadata = json.RawMessage(r.text)
	case 8:
		e.CreatedAt = r.time()
	}
}

func decodeValue(r *wireReader, f *ValueSet) {
	for r.next() {
		switch r.field {
		case 1:
			f.SessionID = r.text
		case 2:
			f.Key = r.text
		case 3:
			f.Value.JSON = json.RawMessage(r.text)
		case 4:
			f.Value.Keep = r.bool()
		case 5:
			f.At = r.time()
		}
	}
}

func decodeOrder(r *wireReader, f *OrderPlaced) {
	for r.next() {
		switch r.field {
		case 1:
			f.OrderID = r.text
		case 2:
			f.SessionID = r.text
		case 3:
			f.VisitorID = r.text
		case 4:
			f.CustomerID = r.text
		case 5:
			f.Total.Amount = r.num
		case 6:
			f.Total.Currency = r.text
		case 7:
			f.Metadata = json.RawMessage(r.text)
		case 8:
			f.CreatedAt = r.time()
		case 9:
			f.EventID = r.text
		}
	}
}

func decodeRefund(r *wireReader, f *OrderRefunded) {
	for r.next() {
		switch r.field {
		case 1:
			f.RefundID = r.text
		case 2:
			f.OrderID = r.text
		case 3:
			f.SessionID = r.text
		case 4:
			f.VisitorID = r.text
		case 5:
			f.Amount.Amount = r.num
		case 6:
			f.Amount.Currency = r.text
		case 7:
			f.EventID = r.text
		case 8:
			f.At = r.time()
		}
	}
}

func decodeBot(r *wireReader, f *BotSeen) {
	for r.next() {
		switch r.field {
		case 1:
			f.EventID = r.text
		case 2:
			f.Reason = r.text
		case 3:
			f.UserAgent = r.text
		case 4:
			f.IPAddress = r.text
		case 5:
			f.Page = r.text
		case 6:
			f.At = r.time()
		}
	}
}

// The fields of credentials have numbers of their own, so that they can stand
// in a record beside those of a session.
const (
	wireCredVersion = 40 + iota
	wireCredHash
	wireCredSuperseded
	wireCredCustomer
	wireCredAuthenticated
	wireCredEnded
	wireCredReason
)

func appendCredentials(b []byte, c *Credentials) []byte {
	b = appendInt(b, wireCredVersion, c.Version)
	b = appendString(b, wireCredHash, c.SecretHash[:])
	if c.Superseded != (SecretHash{}) {
		b = appendString(b, wireCredSuperseded, c.Superseded[:])
	}
	b = appendString(b, wireCredCustomer, c.CustomerID)
	b = appendMillis(b, wireCredAuthenticated, c.AuthenticatedAt)
	b = appendMillis(b, wireCredEnded, c.EndedAt)
	return appendString(b, wireCredReason, c.EndReason)
}

func decodeCredential(r *wireReader, c *Credentials) {
	switch r.field {
	case wireCredVersion:
		c.Version = r.num
	case wireCredHash:
		c.SecretHash = r.hash()
	case wireCredSuperseded:
		c.Superseded = r.hash()
	case wireCredCustomer:
		c.CustomerID = r.text
	case wireCredAuthenticated:
		c.AuthenticatedAt = r.time()
	case wireCredEnded:
		c.EndedAt = r.time()
	case wireCredReason:
		c.EndReason = EndReason(r.text)
	}
}

// sessionText is the text of a session that its record holds, by field number.
func sessionText(s *Session) [19]*string {
	return [...]*string{
		1: &s.SessionID, 2: &s.VisitorID, 3: &s.IPAddress, 4: &s.UserAgent, 5: &s.Country, 6: &s.City,
		7: &s.Device, 8: &s.Browser, 9: &s.OS, 10: &s.LandingPage, 11: &s.Referrer, 12: &s.Channel,
		13: &s.UTMSource, 14: &s.UTMMedium, 15: &s.UTMCampaign, 16: &s.UTMTerm, 17: &s.UTMContent, 18: &s.OrderID,
	}
}

const (
	wireStartedAt  = 30
	wireLastSeenAt = 31
	wirePageViews  = 32
	wireConverted  = 33
	wireValues     = 34
)

func appendRecord(b []byte, rec *Record) []byte {
	for field, text := range sessionText(&rec.Session) {
		if text != nil {
			b = appendString(b, byte(field), *text)
		}
	}
	b = appendMillis(b, wireStartedAt, rec.StartedAt)
	b = appendMillis(b, wireLastSeenAt, rec.LastSeenAt)
	b = appendInt(b, wirePageViews, rec.PageViews)
	b = appendBool(b, wireConverted, rec.Converted)
	if len(rec.Values) > 0 {
		if values, err := json.Marshal(rec.Values); err == nil {
			b = appendString(b, wireValues, values)
		}
	}
	cred := rec.Credentials()
	return appendCredentials(b, &cred)
}

func decodeRecord(r *wireReader, rec *Record) {
	texts := sessionText(&rec.Session)
	var cred Credentials
	for r.next() {
		switch r.field {
		case wireStartedAt:
			rec.StartedAt = r.time()
		case wireLastSeenAt:
			rec.LastSeenAt = r.time()
		case wirePageViews:
			rec.PageViews = r.num
		case wireConverted:
			rec.Converted = r.bool()
		case wireValues:
			if err := json.Unmarshal([]byte(r.text), &rec.Values); err != nil {
				r.err = fmt.Errorf("%w: values: %w", errWire, err)
			}
		default:
			if int(r.field) < len(texts) && texts[r.field] != nil {
				*texts[r.field] = r.text
			} else {
				decodeCredential(r, &cred)
			}
		}
	}
	rec.SetCredentials(cred)
}
