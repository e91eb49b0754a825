package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// frameHeader is what precedes each record of a journal's segment; its bytes 4 to
// 8 are the record's length, as internal/journal has it.
const frameHeader = 28

// damagedMarks lists the marks of those events of a segment whose record a damage
// touches, in its header or in itself. A mark may stand in the beginning of a
// session before: the event is the last record that has it. What was not written
// to its end is no record. It returns the text of those records too.
func damagedMarks(content, damaged []byte) (marks []string, records []byte, err error) {
	last := map[string]bool{} // whether the last record with a mark is touched
	for at := 0; len(content)-at >= frameHeader; {
		end := at + frameHeader + int(binary.LittleEndian.Uint32(content[at+4:]))
		if end == at+frameHeader {
			return nil, nil, fmt.Errorf("byte %d of the segment is no record's beginning", at)
		}
		if end > len(content) {
			break
		}
		touched := end > len(damaged) || !bytes.Equal(content[at:end], damaged[at:end])
		if touched {
			records = append(records, content[at+frameHeader:end]...)
		}
		for _, mark := range marksIn(content[at+frameHeader : end]) {
			last[mark] = touched
		}
		at = end
	}
	for mark, touched := range last {
		if touched {
			marks = append(marks, mark)
		}
	}
	slices.Sort(marks)
	return marks, records, nil
}

// marksIn lists the marks in a record.
func marksIn(record []byte) (marks []string) {
	for rest := record; ; {
		_, after, found := bytes.Cut(rest, []byte("mark="))
		if !found {
			return marks
		}
		end := bytes.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefm-", r) })
		if end < 0 {
			end = len(after)
		}
		marks = append(marks, string(after[:end]))
		rest = after[end:]
	}
}
