package upstashstore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A reply is the result of one command. Its value is a string, an int64, a list
// of values, or nil.
type reply struct {
	value any
	err   error
}

// A commandError is an error with which Redis answered a command.
type commandError string

func (e commandError) Error() string { return string(e) }

var errNotJSON = errors.New("the answer is not in the form of the REST API: check that the address is that of a REST API, and which proxies are in front of it")

// decodeReplies reads the answer to a pipeline of n commands.
func decodeReplies(body []byte, n int) ([]reply, error) {
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) > 0 && b[0] == '{' { // the whole pipeline was refused
		if r := decodeReply(body); r.err != nil {
			return nil, r.err
		}
		return nil, errNotJSON
	}
	var items []json.RawMessage
	if err := strictUnmarshal(body, &items); err != nil {
		return nil, errNotJSON
	}
	if len(items) != n {
		return nil, fmt.Errorf("%d answers to %d commands", len(items), n)
	}
	replies := make([]reply, n)
	for i, raw := range items {
		replies[i] = decodeReply(raw)
	}
	return replies, nil
}

// decodeReply reads {"result": …} or {"error": "…"}. Any other text is an error
// of this command only.
func decodeReply(body []byte) reply {
	var item struct {
		Result json.RawMessage `json:"result"`
		Error  *string         `json:"error"`
	}
	if err := strictUnmarshal(body, &item); err != nil || (item.Result == nil) == (item.Error == nil) {
		return reply{err: errNotJSON}
	}
	if item.Error != nil {
		return reply{err: commandError(*item.Error)}
	}
	d := json.NewDecoder(bytes.NewReader(item.Result))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return reply{err: errNotJSON}
	}
	v, err := decodeValue(v)
	return reply{value: v, err: err}
}

// decodeValue decodes the base64 of every text. Only OK is sent as it is; since
// it is not valid base64, it cannot be confused. Any other text that is not
// base64 means that the service ignored Upstash-Encoding, and then no text can be
// trusted.
func decodeValue(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "OK" {
			return v, nil
		}
		b, err := base64.StdEncoding.Strict().DecodeString(v)
		if err != nil {
			return nil, errors.New("the service did not encode its answer in base64, as it was asked to")
		}
		return string(b), nil
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the number %.40s is not an integer", v)
		}
		return n, nil
	case []any:
		values := make([]any, len(v))
		for i := range v {
			var err error
			if values[i], err = decodeValue(v[i]); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	return nil, fmt.Errorf("a result has the type %T, which Redis does not have", v)
}

// strictUnmarshal decodes exactly one JSON value.
func strictUnmarshal(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errNotJSON
	}
	return nil
}
