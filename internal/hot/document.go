package hot

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// format is the version of documents. A document of a later one is left alone:
// what it means cannot be known here.
const format = 1

// members are what a document holds.
type members struct {
	store.Session
	Format          int                    `json:"format"`
	Version         int64                  `json:"version"`
	Series          string                 `json:"series"`
	SecretHash      string                 `json:"secretHash"`
	Superseded      string                 `json:"supersededHash"`
	AuthenticatedAt time.Time              `json:"authenticatedAt"`
	RotatedAt       time.Time              `json:"rotatedAt"`
	RestoredAt      time.Time              `json:"restoredAt"`
	Unbegun         bool                   `json:"unbegun"`
	Events          int64                  `json:"events"`
	Orders          int64                  `json:"orders"`
	Values          map[string]store.Value `json:"values"`
}

// Encode is a document in JSON.
func Encode(d *live.Document) []byte { return AppendDocument(nil, d) }

// AppendDocument appends a document in JSON. Its activity comes last, for stores that
// show it with what was merged.
func AppendDocument(b []byte, d *live.Document) []byte {
	b = append(b, '{')
	b = d.AppendFacts(b)
	b = jsontext.AppendInt(b, "format", format)
	b = appendIdentity(append(b, ','), d.Version, d.Series)
	b = appendHash(b, "secretHash", &d.SecretHash)
	if d.Superseded != (store.SecretHash{}) {
		b = appendHash(b, "supersededHash", &d.Superseded)
	}
	if !d.AuthenticatedAt.IsZero() {
		b = jsontext.AppendTime(b, "authenticatedAt", d.AuthenticatedAt)
	}
	if !d.RotatedAt.IsZero() {
		b = jsontext.AppendTime(b, "rotatedAt", d.RotatedAt)
	}
	if !d.RestoredAt.IsZero() {
		b = jsontext.AppendTime(b, "restoredAt", d.RestoredAt)
	}
	if d.Unbegun {
		b = append(b, `,"unbegun":true`...)
	}
	if d.Events != 0 {
		b = jsontext.AppendInt(b, "events", d.Events)
	}
	if d.Orders != 0 {
		b = jsontext.AppendInt(b, "orders", d.Orders)
	}
	if len(d.Values) > 0 {
		if values, err := jsontext.Marshal(d.Values); err == nil {
			b = append(jsontext.AppendName(b, "values"), values...)
		}
	}
	for name, value := range d.Unknown {
		b = append(jsontext.AppendQuoted(append(b, ','), name), ':')
		b = append(b, value...)
	}
	b = d.AppendActivity(b)
	return append(b, '}')
}

// Decode reads a document. The error is [store.ErrNewer], or says why it is corrupt.
func Decode(doc []byte) (live.Document, error) {
	if d, ok := readOwn(doc); ok {
		return d, nil
	}
	return decodeAny(doc)
}

// decodeAny reads a document in any form, with members of other versions.
func decodeAny(doc []byte) (live.Document, error) {
	var m members
	err := json.Unmarshal(doc, &m)
	if m.Format > format || err != nil && isNewer(doc) {
		return live.Document{}, store.ErrNewer
	}
	if err != nil {
		return live.Document{}, fmt.Errorf("session record: %w", err)
	}
	d := live.Document{
		Record: store.Record{
			Session: m.Session, Version: m.Version, AuthenticatedAt: utc(m.AuthenticatedAt), RotatedAt: utc(m.RotatedAt), Values: m.Values,
		},
		Events: m.Events, Orders: m.Orders, RestoredAt: utc(m.RestoredAt), Series: m.Series, Unbegun: m.Unbegun, Unknown: unknownMembers(doc),
	}
	if err := errors.Join(decodeHash(&d.SecretHash, m.SecretHash), decodeHash(&d.Superseded, m.Superseded)); err != nil {
		return live.Document{}, err
	}
	return d, nil
}

// isNewer reports whether a later version wrote a document that this one cannot
// decode: its members may have other types then.
func isNewer(doc []byte) bool {
	var m struct {
		Format int `json:"format"`
	}
	return json.Unmarshal(doc, &m) == nil && m.Format > format
}

// utc is a time in UTC; the zero time stays as it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

var knownMembers = func() map[string]bool {
	var all map[string]json.RawMessage
	everything := live.Document{Unbegun: true, Events: 1, Orders: 1, RestoredAt: time.Unix(1, 0), Record: store.Record{
		Values:     map[string]store.Value{"k": {JSON: json.RawMessage("1")}},
		Superseded: store.SecretHash{1}, AuthenticatedAt: time.Unix(1, 0), RotatedAt: time.Unix(1, 0),
	}}
	if err := json.Unmarshal(Encode(&everything), &all); err != nil {
		panic(err)
	}
	known := make(map[string]bool, len(all))
	for name := range all {
		known[name] = true
	}
	return known
}()

// none is shared by all documents without unknown members; nobody changes it.
var none = map[string]json.RawMessage{}

// unknownMembers are the members of a document that this version does not know.
func unknownMembers(doc []byte) map[string]json.RawMessage {
	if onlyKnownMembers(doc) { // nearly all do: decoding takes a quarter of the time then
		return none
	}
	var unknown map[string]json.RawMessage
	if json.Unmarshal(doc, &unknown) != nil {
		return nil
	}
	for name := range unknown {
		if knownMembers[name] {
			delete(unknown, name)
		}
	}
	return unknown
}

// onlyKnownMembers reports whether all members of a JSON object are known. It may
// miss that for names that are written with escapes.
func onlyKnownMembers(doc []byte) bool {
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			from := i + 1
			for i++; i < len(doc) && doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			end := min(i, len(doc))
			rest := bytes.TrimLeft(doc[min(end+1, len(doc)):], " \t\r\n")
			if depth == 1 && len(rest) > 0 && rest[0] == ':' && !knownMembers[string(doc[from:end])] {
				return false
			}
		}
	}
	return true
}

// appendIdentity appends the members by which a document is known again without decoding
// it. They stand together.
func appendIdentity(b []byte, version int64, series string) []byte {
	b = append(strconv.AppendInt(append(b, `"version":`...), version, 10), `,"series":"`...)
	return append(append(b, series...), '"')
}

// jsonSeries is the series of a document of a version, "" if it is of another.
func jsonSeries(doc []byte, version int64) string {
	var buf [64]byte
	identity := appendIdentity(buf[:0], version, "")
	_, rest, _ := bytes.Cut(doc, identity[:len(identity)-1])
	series, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(series)
}

func appendHash(b []byte, name string, h *store.SecretHash) []byte {
	b = append(jsontext.AppendName(b, name), '"')
	return append(base64.RawURLEncoding.AppendEncode(b, h[:]), '"')
}

func decodeHash(h *store.SecretHash, text string) error {
	if text == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return errors.New("session record: bad secret hash")
	}
	copy(h[:], b)
	return nil
}
