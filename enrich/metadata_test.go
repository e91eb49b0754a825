package enrich

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// The bound on metadata is on what is stored, not on how it was written.
func TestMetadata_IsMeasuredAsItIsStored(t *testing.T) {
	object := func(text string) json.RawMessage { return json.RawMessage(`{"t":"` + text + `"}`) }
	fits := maxMetadata - len(`{"t":""}`)
	for what, raw := range map[string]json.RawMessage{
		"<, which takes one byte":             object(strings.Repeat("<", fits)),
		"escapes that the JSON does not need": object(strings.Repeat(`\u003c`, fits)[:6*(fits-8)]),
	} {
		got, err := Metadata(raw)
		if err != nil || len(got) > maxMetadata || strings.Contains(string(got), `\u`) {
			t.Errorf("metadata of %s becomes %d bytes, %v: it takes at most %d as it is stored", what, len(got), err, maxMetadata)
		}
	}
	if got, err := Metadata(object("<<<<")); err != nil || string(got) != `{"t":"<<<<"}` {
		t.Errorf("<<<< is stored as %s, %v: it has to have the length that was sent", got, err)
	}
	if got, err := Metadata(object(strings.Repeat("<", fits+1))); err == nil {
		t.Errorf("metadata of %d bytes as it is stored is accepted: at most %d", len(got), maxMetadata)
	}
	// Each control character is dropped, and a quote takes two bytes.
	if _, err := Metadata(object(strings.Repeat(`\"`, fits/2+1))); err == nil {
		t.Error("metadata is measured without its escapes")
	}
}

// A thousand strangers may send such metadata at once.
func TestMetadata_WhatIsRefusedTakesLittleMemory(t *testing.T) {
	for what, raw := range map[string]string{
		"levels":  `{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		"objects": `{"x":[` + strings.Repeat(`{"":{}},`, 3000) + `0]}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Metadata(json.RawMessage(raw))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > maxMetadataText {
			t.Errorf("metadata of %d bytes with many %s takes %d bytes (%v), want at most %d", len(raw), what, took, err, maxMetadataText)
		}
	}
}
