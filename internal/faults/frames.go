package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// frameHeader is the size of the header before each record in a segment of the
// journal. Its bytes 4 to 8 are the record's length, as in internal/journal.
const frameHeader = 28

// damagedMarks returns the marks of those events in a segment whose records are
// damaged, in the header or the payload. The mark of an event may also be in an
// earlier record, a SessionBegun; the event is the last record that has the mark.
// An incomplete record at the end does not count. damagedMarks also returns the
// text of the damaged records.
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

// marksIn returns the marks in a record.
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
