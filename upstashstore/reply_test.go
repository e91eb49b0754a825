package upstashstore

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeReply(t *testing.T) {
	for body, want := range map[string]any{
		`{"result":null}`:                             nil,
		`{"result":"OK"}`:                             "OK",
		`{"result":"T0s="}`:                           "OK",
		`{"result":""}`:                               "",
		`{"result":"UE9ORw=="}`:                       "PONG",
		`{"result":"AP/+"}`:                           "\x00\xff\xfe",
		`{"result":9223372036854775807}`:              int64(1<<63 - 1),
		`{"result":[1,null,"YQ==",["T0s=","OK"]]}`:    []any{int64(1), nil, "a", []any{"OK", "OK"}},
		` { "result" : [ ] , "more" : true } ` + "\n": []any{},
	} {
		if r := decodeReply([]byte(body)); r.err != nil || !reflect.DeepEqual(r.value, want) {
			t.Errorf("%s = %#v, %v, want %#v", body, r.value, r.err, want)
		}
	}
	for body, want := range map[string]string{
		`{"error":"ERR no"}`:             "ERR no",
		`{"error":""}`:                   "",
		``:                               "REST API",
		`{}`:                             "REST API",
		`null`:                           "REST API",
		`[]`:                             "REST API",
		`{"result":1,"error":"ERR no"}`:  "REST API",
		`{"result":1`:                    "REST API",
		`{"result":1}{}`:                 "REST API",
		`{"result":1}x`:                  "REST API",
		`<html>`:                         "REST API",
		`{"result":"{\"a\":1}"}`:         "base64",
		`{"result":"YQ"}`:                "base64",
		`{"result":["YQ==","a b"]}`:      "base64",
		`{"result":1.5}`:                 "not an integer",
		`{"result":9223372036854775808}`: "not an integer",
		`{"result":true}`:                "bool",
		`{"result":{"a":1}}`:             "map",
	} {
		if r := decodeReply([]byte(body)); r.err == nil || r.value != nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s = %#v, %v, want an error with %q", body, r.value, r.err, want)
		}
	}
}

func TestDecodeReplies(t *testing.T) {
	replies, err := decodeReplies([]byte(`[{"result":"OK"},{"error":"ERR no"},{"result":"***"},7]`), 4)
	if err != nil || replies[0].err != nil || !errors.Is(replies[1].err, commandError("ERR no")) || replies[2].err == nil || replies[3].err == nil {
		t.Errorf("replies %v, %v: what is wrong with one is no matter of the others", replies, err)
	}
	for body, want := range map[string]string{
		`[{"result":"OK"}]`:                  "1 answers to 2 commands",
		`[]`:                                 "0 answers",
		`{"error":"ERR empty"}`:              "ERR empty",
		`{"result":"OK"}`:                    "REST API",
		`[{"result":"OK"},{"result":"OK"}`:   "REST API",
		`[{"result":"OK"},{"result":"OK"}]]`: "REST API",
		`null`:                               "0 answers",
	} {
		if _, err := decodeReplies([]byte(body), 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// Decoding, encoding and decoding again gives the same value; anything else is an
// error.
func FuzzDecodeReply(f *testing.F) {
	for _, seed := range []string{`{"result":"T0s="}`, `{"result":[1,null,["OK"]]}`, `{"error":"ERR"}`, `[{"result":"YQ=="},{"error":"x"}]`, `{"result":-0}`, strings.Repeat("[", 100)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if replies, err := decodeReplies(body, 2); err == nil && len(replies) != 2 {
			t.Fatalf("%d replies", len(replies))
		}
		r := decodeReply(body)
		if r.err != nil {
			if r.value != nil {
				t.Fatalf("a value %v with the error %v", r.value, r.err)
			}
			return
		}
		again, err := json.Marshal(map[string]any{"result": encoded(r.value)})
		if err != nil {
			t.Fatal(err)
		}
		if second := decodeReply(again); second.err != nil || !reflect.DeepEqual(second.value, r.value) {
			t.Fatalf("%s = %#v, and again %#v, %v", body, r.value, second.value, second.err)
		}
	})
}

func encoded(v any) any {
	switch v := v.(type) {
	case string:
		return base64.StdEncoding.EncodeToString([]byte(v))
	case []any:
		values := make([]any, len(v))
		for i := range v {
			values[i] = encoded(v[i])
		}
		return values
	}
	return v
}
