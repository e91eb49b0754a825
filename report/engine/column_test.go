package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/report"
)

// Of pages that differ in their queries only, any number is one text.
func TestDictionary_WhatKeysWereMadeOfIsBounded(t *testing.T) {
	names := newTexts(1 << 30)
	d := newDictionary(names.pages)
	first, bytes := d.code("/p", report.PageKey), 0
	for n := range 20_000 {
		if code := d.code(fmt.Sprintf("/p?%d%s", n, strings.Repeat("x", 200)), report.PageKey); code != first {
			t.Fatalf("code %d, want that of /p, %d", code, first)
		}
	}
	for text := range d.keys {
		bytes += len(text)
	}
	if bytes > maxNoted {
		t.Errorf("%d bytes of texts are remembered, want %d at most", bytes, maxNoted)
	}
}
