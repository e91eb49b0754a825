package engine

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/footfall-go/footfall/report"
)

// A position is where a row is in a list.
type position struct {
	Value  float64 `json:"v"` // of the figure that the list is sorted by
	Known  bool    `json:"n"` // it has one
	Key    string  `json:"k"`
	Of     uint32  `json:"q"` // of which question
	number uint32
}

// cursor is the position as text, which stands in URLs.
func (p position) cursor(of uint32) string {
	p.Of = of
	b, err := json.Marshal(p)
	if err != nil { // a figure is finite, and a key is text
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// mark tells questions apart whose rows are others, or in another order.
func mark(q *report.Question) uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %s %q", q.Report, q.Sort, q.Filters))
}

func readCursor(text string) (p position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}
