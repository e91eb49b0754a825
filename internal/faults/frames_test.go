package faults

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// TestDamagedMarks: only records that a damage touches are excused.
func TestDamagedMarks(t *testing.T) {
	var content []byte
	var begins []int
	for _, record := range []string{"head /p?mark=m1-1\x00tail", "begun /p?mark=m1-4\x00tail", "head /p?mark=m1-2&long=x\x00tail", "head /p?mark=m1-3\x00tail", "no mark", "head /p?mark=m1-4\x00tail"} {
		begins = append(begins, len(content))
		header := make([]byte, frameHeader)
		binary.LittleEndian.PutUint32(header[4:], uint32(len(record)))
		content = append(append(content, header...), record...)
	}
	end := len(content)
	content = append(content, make([]byte, 10)...) // never written to its end
	flip := func(places ...int) []byte {
		damaged := bytes.Clone(content)
		for _, at := range places {
			damaged[at] ^= 1
		}
		return damaged
	}
	for name, c := range map[string]struct {
		damaged []byte
		want    []string
	}{
		"nothing":                  {flip(), nil},
		"the last byte is cut off": {content[:end-1], []string{"m1-4"}},
		"cut between two records":  {content[:begins[5]], []string{"m1-4"}},
		"cut after all":            {content[:end], nil},
		"cut in a header":          {content[:begins[2]+5], []string{"m1-2", "m1-3", "m1-4"}},
		"a bit in a header":        {flip(begins[3] + 20), []string{"m1-3"}},
		"a bit in a record":        {flip(begins[0] + 30), []string{"m1-1"}},
		"a bit after a mark":       {flip(begins[3] - 1), []string{"m1-2"}},
		"a record without a mark":  {flip(begins[4] + 30), nil},
		"a session's beginning":    {flip(begins[1] + 30), nil},
		"bits in two":              {flip(begins[0], begins[2]), []string{"m1-1", "m1-2"}},
		"a bit past all":           {flip(end + 3), nil},
	} {
		if got, _, err := damagedMarks(content, c.damaged); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, _, err := damagedMarks(make([]byte, 100), nil); err == nil {
		t.Error("zeros were taken for records")
	}
}
