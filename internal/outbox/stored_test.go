package outbox

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/store"
)

// The journal keeps texts with the length that was sent.
func TestAppendFact_NothingIsEscapedForHTML(t *testing.T) {
	with := func(text string) int {
		rec := store.Record{
			Session: store.Session{UserAgent: text},
			Values:  map[string]store.Value{text: {JSON: json.RawMessage(`"` + text + `"`)}},
		}
		return len(appendFact(nil, &store.SessionBegun{Record: rec})) + len(appendFact(nil, &store.EventRecorded{Event: store.Event{Page: text, Metadata: json.RawMessage(`"` + text + `"`)}}))
	}
	if plain, got := with(strings.Repeat("a", 100)), with(strings.Repeat("<", 100)); got != plain {
		t.Errorf("a record with < has %d bytes in the journal, with a %d: nothing that is stored is escaped for HTML", got, plain)
	}
}
