package hot

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// readOwn reads a document in the form that [AppendDocument] writes: its members, in
// their order, without escapes. It takes a sixth of the time that [json.Unmarshal] does,
// and returns false for anything else, which may be a document all the same.
func readOwn(doc []byte) (live.Document, bool) {
	d := live.Document{Unknown: none}
	r := ownReader{rest: doc, ok: true}
	r.lit("{")
	for _, text := range [...]struct {
		name  string
		field *string
	}{
		{`"sessionId":`, &d.SessionID}, {`,"visitorId":`, &d.VisitorID}, {`,"customerId":`, &d.CustomerID}, {`,"type":`, nil}, {`,"ipAddress":`, &d.IPAddress},
		{`,"userAgent":`, &d.UserAgent}, {`,"country":`, &d.Country}, {`,"city":`, &d.City}, {`,"device":`, &d.Device}, {`,"browser":`, &d.Browser}, {`,"os":`, &d.OS},
		{`,"landingPage":`, &d.LandingPage}, {`,"referrer":`, &d.Referrer}, {`,"channel":`, &d.Channel}, {`,"utmSource":`, &d.UTMSource}, {`,"utmMedium":`, &d.UTMMedium},
		{`,"utmCampaign":`, &d.UTMCampaign}, {`,"utmTerm":`, &d.UTMTerm}, {`,"utmContent":`, &d.UTMContent},
	} {
		r.lit(text.name)
		r.text(text.field)
	}
	r.lit(`,"startedAt":`)
	r.time(&d.StartedAt)
	r.lit(`,"endedAt":`)
	r.time(&d.EndedAt)
	r.lit(`,"endReason":`)
	r.text((*string)(&d.EndReason))
	r.lit(`,"converted":`)
	if d.Converted = r.has("true"); !d.Converted {
		r.lit("false")
	}
	r.lit(`,"orderId":`)
	r.text(&d.OrderID)
	r.lit(`,"format":1,"version":`)
	r.int(&d.Version)
	r.lit(`,"series":`)
	r.text(&d.Series)
	r.lit(`,"secretHash":`)
	r.hash(&d.SecretHash)
	if r.has(`,"supersededHash":`) {
		r.hash(&d.Superseded)
	}
	if r.has(`,"authenticatedAt":`) {
		r.time(&d.AuthenticatedAt)
	}
	if r.has(`,"rotatedAt":`) {
		r.time(&d.RotatedAt)
	}
	if r.has(`,"restoredAt":`) {
		r.time(&d.RestoredAt)
	}
	d.Unbegun = r.has(`,"unbegun":true`)
	if r.has(`,"events":`) {
		r.int(&d.Events)
	}
	if r.has(`,"orders":`) {
		r.int(&d.Orders)
	}
	if r.has(`,"values":`) {
		r.values(&d.Values)
	}
	r.lit(`,"pageViews":`)
	r.int(&d.PageViews)
	r.lit(`,"lastSeenAt":`)
	r.time(&d.LastSeenAt)
	r.lit("}")
	return d, r.ok && len(r.rest) == 0
}

// An ownReader reads from the beginning of rest. Once something is not as it should be,
// ok is false, and what is read means nothing.
type ownReader struct {
	rest []byte
	ok   bool
}

// has reads what is expected, if it is there.
func (r *ownReader) has(text string) bool {
	if len(r.rest) < len(text) || string(r.rest[:len(text)]) != text {
		return false
	}
	r.rest = r.rest[len(text):]
	return true
}

func (r *ownReader) lit(text string) { r.ok = r.ok && r.has(text) }

// quoted reads a text without escapes, or null, and returns it without its quotes.
func (r *ownReader) quoted() []byte {
	if !r.ok || r.has("null") {
		return nil
	}
	if r.lit(`"`); !r.ok {
		return nil
	}
	ascii := true
	for i, c := range r.rest {
		switch {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			r.ok = ascii || utf8.Valid(text)
			return text
		case c == '\\' || c < ' ':
			r.ok = false
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	r.ok = false
	return nil
}

// text reads a text into a field, which may be nil. A field holds a copy.
func (r *ownReader) text(field *string) {
	if text := r.quoted(); field != nil && len(text) > 0 {
		*field = string(text)
	}
}

func (r *ownReader) time(field *time.Time) {
	text := r.quoted()
	if len(text) == 0 {
		r.ok = r.ok && text == nil
		return
	}
	r.ok = r.ok && field.UnmarshalText(text) == nil
	*field = utc(*field)
}

func (r *ownReader) int(field *int64) {
	n := 0
	for n < len(r.rest) && (r.rest[n] >= '0' && r.rest[n] <= '9' || n == 0 && r.rest[n] == '-') {
		n++
	}
	v, err := strconv.ParseInt(string(r.rest[:n]), 10, 64)
	if digits := bytes.TrimPrefix(r.rest[:n], []byte("-")); err != nil || digits[0] == '0' && n > 1 {
		r.ok = false
		return
	}
	*field, r.rest = v, r.rest[n:]
}

func (r *ownReader) hash(field *store.SecretHash) {
	text := r.quoted()
	if len(text) != base64.RawURLEncoding.EncodedLen(len(field)) {
		r.ok = false
		return
	}
	_, err := base64.RawURLEncoding.Decode(field[:], text)
	r.ok = r.ok && err == nil
}

// values reads an object up to the bracket that ends it.
func (r *ownReader) values(field *map[string]store.Value) {
	depth, quoted := 0, false
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				r.ok = r.ok && json.Unmarshal(r.rest[:i+1], field) == nil
				r.rest = r.rest[i+1:]
				return
			}
		}
	}
	r.ok = false
}
