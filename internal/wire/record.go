package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/internal/uuidtext"
	"github.com/footfall-go/footfall/store"
)

// Record writes or reads a session's record but for its ids, and for when a login changed
// its secret, which the journal does not keep: fields 3 to 18, 30 to 34, and those of
// [Wire.Credentials]. A field's number is never used again for another.
func (w *Wire) Record(r *store.Record) {
	w.Text(3, &r.IPAddress)
	w.Text(4, &r.UserAgent)
	w.Text(5, &r.Country)
	w.Text(6, &r.City)
	w.Text(7, &r.Device)
	w.Text(8, &r.Browser)
	w.Text(9, &r.OS)
	w.Text(10, &r.LandingPage)
	w.Text(11, &r.Referrer)
	w.Text(12, &r.Channel)
	w.Text(13, &r.UTMSource)
	w.Text(14, &r.UTMMedium)
	w.Text(15, &r.UTMCampaign)
	w.Text(16, &r.UTMTerm)
	w.Text(17, &r.UTMContent)
	w.Text(18, &r.OrderID)
	w.Time(30, &r.StartedAt)
	w.Time(31, &r.LastSeenAt)
	w.Int(32, &r.PageViews)
	w.Flag(33, &r.Converted)
	w.Values(34, &r.Values)
	w.Credentials(&r.Version, &r.SecretHash, &r.Superseded, &r.CustomerID, &r.AuthenticatedAt, &r.EndedAt, &r.EndReason)
}

// Credentials writes or reads what a session's credentials are made of. The fields have
// the numbers 40 to 46, so that they can stand beside those of a session.
func (w *Wire) Credentials(version *int64, current, superseded *store.SecretHash, customer *string, authenticated, ended *time.Time, reason *store.EndReason) {
	w.Int(40, version)
	w.Hash(41, current)
	w.Hash(42, superseded)
	w.Text(43, customer)
	w.Time(44, authenticated)
	w.Time(45, ended)
	w.Text(46, (*string)(reason))
}

// Values writes or reads a session's values.
func (w *Wire) Values(field byte, values *map[string]store.Value) {
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
			w.err = fmt.Errorf("%w: values: %w", ErrMalformed, err)
		}
		*values = decoded
		w.next()
	}
}

// Forms of an id: its first byte.
const (
	idText = 0 // as it is
	idUUID = 1 // 16 bytes
)

// ID writes or reads an id, a UUID as 17 bytes. The empty id is left out.
func (w *Wire) ID(field byte, id *string) {
	if w.reading {
		if w.at(field) {
			*id = readID(w.text)
			w.next()
		}
		return
	}
	if *id == "" {
		return
	}
	w.out = append(w.out, field<<1|tagBytes)
	if b, ok := uuidtext.Parse(*id); ok {
		w.out = append(append(w.out, 1+16, idUUID), b[:]...)
		return
	}
	w.out = append(appendUvarint(w.out, 1+len(*id)), idText)
	w.out = append(w.out, *id...)
}

func readID(text string) string {
	switch {
	case len(text) == 1+16 && text[0] == idUUID:
		id := uuidtext.String([16]byte([]byte(text[1:])))
		return string(id[:])
	case len(text) > 0 && text[0] == idText:
		return text[1:]
	}
	return ""
}
