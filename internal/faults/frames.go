package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// frameHeader is what precedes each record of a journal's segment; its bytes 4 to
// 8 are the record's length, as internal/journal has it.
const frameHeader = 28

// damagedMarks lists the marks in those records of a segment that a damage
// touches, in their header or in themselves. What was not written to its end is
// no record.
func damagedMarks(content, damaged []byte) (marks []string, err error) {
	for at := 0; len(content)-at >= frameHeader; {
		end := at + frameHeader + int(binary.LittleEndian.Uint32(content[at+4:]))
		if end == at+frameHeader {
			return nil, fmt.Errorf("byte %d of the segment is no record's beginning", at)
		}
		if end > len(content) {
			break
		}
		if end > len(damaged) || !bytes.Equal(content[at:end], damaged[at:end]) {
			marks = append(marks, marksIn(content[at+frameHeader:end])...)
		}
		at = end
	}
	return marks, nil
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
