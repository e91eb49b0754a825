package enrich

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/footfall-go/footfall/internal/jsontext"
)

const (
	maxMetadata      = 4 << 10         // bytes of JSON as it is stored
	maxMetadataText  = 6 * maxMetadata // bytes of JSON as it came: each may be an escape of six
	maxMetadataDepth = 5
	maxMetadataKeys  = 64
)

var errTooManyKeys = fmt.Errorf("footfall: metadata is at most %d levels deep and has at most %d keys", maxMetadataDepth, maxMetadataKeys)

// Metadata returns a compact copy of an event's metadata, a JSON object, without
// control characters. For no text and for null it returns nil. It returns an
// error for metadata of more than 4 KiB as it is stored, 5 levels or 64 keys.
func Metadata(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if len(raw) > maxMetadataText {
		return nil, fmt.Errorf("footfall: metadata has %d bytes: at most %d", len(raw), maxMetadata)
	}
	if !jsontext.Within(raw, maxMetadataDepth, maxMetadata) { // then it has more values than bytes may be stored
		return nil, errTooManyKeys
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // keeps large integers exact
	if err := decoder.Decode(&object); err != nil || decoder.More() || object == nil {
		return nil, errors.New("footfall: metadata is not a JSON object")
	}
	if keys := 0; !shallow(object, maxMetadataDepth, &keys) {
		return nil, errTooManyKeys
	}
	clean, err := jsontext.Marshal(cleanJSON(object))
	if err != nil {
		return nil, fmt.Errorf("footfall: metadata: %w", err)
	}
	if len(clean) > maxMetadata {
		return nil, fmt.Errorf("footfall: metadata has %d bytes as it is stored: at most %d", len(clean), maxMetadata)
	}
	return bytes.Clone(clean), nil
}

func shallow(value any, depth int, keys *int) bool {
	switch v := value.(type) {
	case map[string]any:
		if *keys += len(v); depth == 0 || *keys > maxMetadataKeys {
			return false
		}
		for _, member := range v {
			if !shallow(member, depth-1, keys) {
				return false
			}
		}
	case []any:
		if depth == 0 || len(v) > 4*maxMetadataKeys {
			return false
		}
		for _, member := range v {
			if !shallow(member, depth-1, keys) {
				return false
			}
		}
	}
	return true
}

// cleanJSON removes control characters and invalid UTF-8 from all texts.
func cleanJSON(value any) any {
	switch v := value.(type) {
	case string:
		return Text(v, maxMetadata)
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, member := range v {
			clean[Text(name, maxMetadata)] = cleanJSON(member)
		}
		return clean
	case []any:
		for i := range v {
			v[i] = cleanJSON(v[i])
		}
	}
	return value
}
