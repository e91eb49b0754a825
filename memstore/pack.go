package memstore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"
)

// A session's document is JSON, most of which is the names of its members, the
// same in every document. Packed, a name takes two bytes, null one, a UUID 17 and
// a time seven: a document of 1,100 bytes takes about half as much memory.
// Unpacking restores the document byte for byte.
//
// Only names of the document's own members get a number. Names inside of a
// member's value may come from strangers, and there is no limit to how many there
// are.
//
// The codes are control characters, which JSON text never contains unescaped.
const (
	codeMember = 0x01 // followed by a number; stands for ,"name":
	codeFirst  = 0x02 // followed by a number; stands for "name":
	codeNull   = 0x03 // null
	codeUUID   = 0x04 // followed by 16 bytes; stands for a quoted UUID in lower case
	codeTime   = 0x05 // followed by Unix milliseconds in six bytes; stands for "2026-11-23T15:15:37.123Z"
)

const (
	maxNames   = 256
	uuidLength = 36
)

// names are the member names that a store has seen so far, at most maxNames of
// them. Names are added and never removed.
type names struct {
	mu    sync.Mutex
	known atomic.Pointer[nameTable]
}

type nameTable struct {
	text   []string // each with its quotes and its colon
	number map[string]byte
}

// numberOf returns the number of a name, which is given as in a document, with
// its quotes.
func (n *names) numberOf(quoted []byte) (byte, bool) {
	if t := n.known.Load(); t != nil {
		if i, ok := t.number[string(quoted)]; ok {
			return i, true
		}
		if len(t.text) == maxNames {
			return 0, false
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	next := &nameTable{number: map[string]byte{}}
	if t := n.known.Load(); t != nil {
		if i, ok := t.number[string(quoted)]; ok {
			return i, true
		}
		next.text = append(next.text, t.text...)
		for name, i := range t.number {
			next.number[name] = i
		}
	}
	if len(next.text) == maxNames {
		return 0, false
	}
	i := byte(len(next.text))
	next.text = append(next.text, string(quoted)+":")
	next.number[string(quoted)] = i
	n.known.Store(next)
	return i, true
}

// pack appends a document in packed form. It returns false for one that contains
// control characters, which is not valid JSON.
func (n *names) pack(b, doc []byte) (packed []byte, ok bool) {
	depth := 0
	var expected nameTable
	if t := n.known.Load(); t != nil {
		expected = *t
	}
	next := 0 // documents list their members in one order, so most names need no map look-up
	for i := 0; i < len(doc); {
		switch c := doc[i]; {
		case c == '"':
			if depth == 1 && next < len(expected.text) && hasPrefix(doc[i:], expected.text[next]) {
				b = appendMember(b, byte(next), doc[i-1] == ',')
				i += len(expected.text[next])
				next++
				continue
			}
			end, plain := stringEnd(doc, i)
			text := doc[i:end]
			if depth == 1 && end < len(doc) && doc[end] == ':' {
				if number, known := n.numberOf(text); known {
					b = appendMember(b, number, doc[i-1] == ',')
					i = end + 1
					next = int(number) + 1
					continue
				}
			}
			var id [16]byte
			if parseUUID(&id, text) {
				b = append(append(b, codeUUID), id[:]...)
			} else if ms, ok := parseTime(text); ok {
				b = append(b, codeTime)
				b = append(b, byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms))
			} else if !plain {
				return b, false
			} else {
				b = append(b, text...)
			}
			i = end
		case c == 'n' && bytes.HasPrefix(doc[i:], []byte("null")):
			b = append(b, codeNull)
			i += len("null")
		case c < ' ':
			return b, false
		default:
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			b = append(b, c)
			i++
		}
	}
	return b, true
}

// appendMember appends the code of a name. The code also stands for the comma
// before the name, if there is one.
func appendMember(b []byte, number byte, comma bool) []byte {
	if comma {
		return append(b[:len(b)-1], codeMember, number)
	}
	return append(b, codeFirst, number)
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// stringEnd returns where the string that begins at i ends, and whether it is
// free of control characters.
func stringEnd(doc []byte, i int) (end int, plain bool) {
	plain = true
	for i++; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			return i + 1, plain
		case c < ' ':
			plain = false
		case c == '\\' && i+1 < len(doc):
			i++
			plain = plain && doc[i] >= ' '
		}
	}
	return len(doc), plain
}

// unpack restores the document from its packed form.
func (n *names) unpack(packed []byte) []byte {
	t := n.known.Load()
	doc := make([]byte, 0, 2*len(packed)+256)
	for i := 0; i < len(packed); i++ {
		switch c := packed[i]; c {
		case codeMember:
			i++
			doc = append(append(doc, ','), t.text[packed[i]]...)
		case codeFirst:
			i++
			doc = append(doc, t.text[packed[i]]...)
		case codeNull:
			doc = append(doc, "null"...)
		case codeUUID:
			doc = appendUUID(doc, packed[i+1:i+17])
			i += 16
		case codeTime:
			var ms [8]byte
			copy(ms[2:], packed[i+1:i+7])
			doc = appendTime(doc, int64(binary.BigEndian.Uint64(ms[:])))
			i += 6
		default:
			doc = append(doc, c)
		}
	}
	return doc
}

const quotedTime = `"2006-01-02T15:04:05.000Z"`

// parseTime reads a quoted time in exactly the form that appendTime writes. A
// document has three times, and time.Parse took a third of the time needed to
// pack it.
func parseTime(quoted []byte) (ms int64, ok bool) {
	if len(quoted) != len(quotedTime) || quoted[5] != '-' || quoted[11] != 'T' {
		return 0, false
	}
	var fields [7]int // from year to milliseconds
	field := 0
	for i, c := range quoted {
		switch like := quotedTime[i]; {
		case '0' <= like && like <= '9':
			if c < '0' || c > '9' {
				return 0, false
			}
			fields[field] = 10*fields[field] + int(c-'0')
		case c != like:
			return 0, false
		case i > 0 && field < len(fields)-1:
			field++
		}
	}
	at := time.Date(fields[0], time.Month(fields[1]), fields[2], fields[3], fields[4], fields[5], fields[6]*1e6, time.UTC)
	year, month, day := at.Date()
	hour, minute, second := at.Clock() // they differ from the fields if a field was out of range
	if year != fields[0] || int(month) != fields[1] || day != fields[2] || hour != fields[3] || minute != fields[4] || second != fields[5] {
		return 0, false
	}
	ms = at.UnixMilli()
	return ms, ms >= 0 && ms < 1<<48
}

func appendTime(b []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(b, quotedTime)
}

// parseUUID reads a quoted UUID in exactly the form that appendUUID writes.
func parseUUID(id *[16]byte, quoted []byte) bool {
	return len(quoted) == uuidLength+2 && quoted[uuidLength+1] == '"' && readUUID(id, quoted[1:uuidLength+1])
}

// readUUID reads the 36 characters of a UUID in lower case.
func readUUID[T ~string | ~[]byte](id *[16]byte, text T) bool {
	half := 0
	for i := range uuidLength {
		c := text[i]
		var digit byte
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
			continue
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c && c <= 'f':
			digit = c - 'a' + 10
		default:
			return false
		}
		id[half/2] = id[half/2]<<4 | digit
		half++
	}
	return true
}

func appendUUID(b, id []byte) []byte {
	b = append(b, '"')
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return append(b, '"')
}
