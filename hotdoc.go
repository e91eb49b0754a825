package footfall

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/internal/live"
)

// hotFormat is the version of the hot store's documents. A document of a later
// one is left alone: what it means cannot be known here.
const hotFormat = 1

var errNewerFormat = errors.New("a newer version wrote this record")

// hotDoc is what a document holds beside the session's own fields.
type hotDoc struct {
	Session
	Format          int              `json:"format"`
	Version         int64            `json:"version"`
	Series          string           `json:"series"`
	SecretHash      string           `json:"secretHash"`
	Superseded      string           `json:"supersededHash,omitempty"`
	AuthenticatedAt *time.Time       `json:"authenticatedAt,omitempty"`
	RotatedAt       *time.Time       `json:"rotatedAt,omitempty"`
	RestoredAt      *time.Time       `json:"restoredAt,omitempty"`
	Unbegun         bool             `json:"unbegun,omitempty"`
	Values          map[string]Value `json:"values,omitempty"`
}

// encodeDocument is the document in JSON. Its activity comes last, for stores that show
// it with what was merged.
func encodeDocument(d *live.Document) []byte {
	rec := &d.Record
	b := make([]byte, 0, 1024)
	b = append(b, '{')
	b = rec.AppendFacts(b)
	b = jsontext.AppendInt(b, "format", hotFormat)
	b = live.AppendIdentity(append(b, ','), rec.Version, d.Series)
	b = jsontext.AppendString(b, "secretHash", encodeHash(rec.SecretHash))
	if rec.Superseded != (SecretHash{}) {
		b = jsontext.AppendString(b, "supersededHash", encodeHash(rec.Superseded))
	}
	if !rec.AuthenticatedAt.IsZero() {
		b = jsontext.AppendTime(b, "authenticatedAt", rec.AuthenticatedAt)
	}
	if !rec.RotatedAt.IsZero() {
		b = jsontext.AppendTime(b, "rotatedAt", rec.RotatedAt)
	}
	if !d.RestoredAt.IsZero() {
		b = jsontext.AppendTime(b, "restoredAt", d.RestoredAt)
	}
	if d.Unbegun {
		b = append(b, `,"unbegun":true`...)
	}
	if len(rec.Values) > 0 {
		if values, err := json.Marshal(rec.Values); err == nil {
			b = append(jsontext.AppendName(b, "values"), values...)
		}
	}
	for name, value := range d.Unknown {
		b = append(jsontext.AppendQuoted(append(b, ','), name), ':')
		b = append(b, value...)
	}
	b = rec.AppendActivity(b)
	return append(b, '}')
}

// decodeHot reads a document.
func decodeHot(doc []byte) (live.Document, error) {
	var d hotDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return live.Document{}, fmt.Errorf("session record: %w", err)
	}
	if d.Format > hotFormat {
		return live.Document{}, errNewerFormat
	}
	rec := Record{Session: d.Session, Values: d.Values}
	cred := Credentials{Version: d.Version, CustomerID: d.CustomerID, EndedAt: d.EndedAt, EndReason: d.EndReason}
	if d.AuthenticatedAt != nil {
		cred.AuthenticatedAt = d.AuthenticatedAt.UTC()
	}
	if d.RotatedAt != nil {
		cred.RotatedAt = d.RotatedAt.UTC()
	}
	restoredAt := time.Time{}
	if d.RestoredAt != nil {
		restoredAt = d.RestoredAt.UTC()
	}
	if err := errors.Join(decodeHash(&cred.SecretHash, d.SecretHash), decodeHash(&cred.Superseded, d.Superseded)); err != nil {
		return live.Document{}, err
	}
	rec.SetCredentials(cred)
	return live.Document{Record: rec, Series: d.Series, RestoredAt: restoredAt, Unbegun: d.Unbegun, Unknown: unknownMembers(doc)}, nil
}

var knownMembers = func() map[string]bool {
	var members map[string]json.RawMessage
	everything := live.Document{Unbegun: true, RestoredAt: time.Unix(1, 0), Record: Record{
		Values:     map[string]Value{"k": {JSON: json.RawMessage("1")}},
		Superseded: SecretHash{1}, AuthenticatedAt: time.Unix(1, 0), RotatedAt: time.Unix(1, 0),
	}}
	if err := json.Unmarshal(encodeDocument(&everything), &members); err != nil {
		panic(err)
	}
	known := make(map[string]bool, len(members))
	for name := range members {
		known[name] = true
	}
	return known
}()

// noMembers is nobody's to change.
var noMembers = map[string]json.RawMessage{}

func unknownMembers(doc []byte) map[string]json.RawMessage {
	if onlyKnownMembers(doc) { // nearly all do: decoding takes a quarter of the time then
		return noMembers
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil {
		return nil
	}
	for name := range members {
		if knownMembers[name] {
			delete(members, name)
		}
	}
	return members
}

// onlyKnownMembers says that all members of a JSON object are known. It may miss
// that for names that are written with escapes.
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

func encodeHash(h SecretHash) string { return base64.RawURLEncoding.EncodeToString(h[:]) }

func decodeHash(h *SecretHash, text string) error {
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
