package engine

import (
	"encoding/base64"
	"encoding/json"
)

// A position is where a row is in a list.
type position struct {
	Value  float64 `json:"v"` // of the figure that the list is sorted by
	Known  bool    `json:"n"` // it has one
	Key    string  `json:"k"`
	number uint32
}

// cursor is the position as text, which stands in URLs.
func (p position) cursor() string {
	b, err := json.Marshal(p)
	if err != nil { // a figure is finite, and a key is text
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(text string) (p position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}
