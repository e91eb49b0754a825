// Package redisrecord is how a hot store's record is one string in Redis: what
// redisstore and upstashstore share.
//
// The value is the document in JSON, for people to read with GET. Page views and
// the last-seen time are shown with what was merged; one more member, activity,
// says what the document itself has and who merged what, in words:
//
//	format version series kind pageViews lastSeenAt seen seenAt writer=count …
//
// Reading is one GET. Each change is one script on one key.
package redisrecord

import (
	"bytes"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Script is Lua, with the digest by which EVALSHA knows it.
type Script struct{ Source, Digest string }

// Put and Merge do what the methods of a hot store say; PutArgs and MergeArgs
// make their arguments. They return 1 if they did it and 0 if not.
var (
	Put   = newScript(putSource)
	Merge = newScript(mergeSource)
)

//go:embed put.lua
var putSource string

//go:embed merge.lua
var mergeSource string

func newScript(source string) Script {
	digest := sha1.Sum([]byte(source))
	return Script{source, hex.EncodeToString(digest[:])}
}

// Key is where a session's record is.
func Key(prefix, id string) string { return prefix + "session:" + id }

// The kinds of document: how the members that are added meet it.
const (
	kindShown = "s" // it ends in pageViews and lastSeenAt, which show what was merged
	kindComma = "c" // it has members
	kindEmpty = "e" // it has none
)

const (
	activityMember  = `"activity":"`
	pageViewsMember = `,"pageViews":`
	lastSeenMember  = `,"lastSeenAt":"`
	timeLayout      = "2006-01-02T15:04:05.000Z"
	none            = "-"
)

var (
	errNotObject = errors.New("the document is no JSON object")
	errWord      = errors.New("a series or writer is a word of letters, digits, - and .")
	errNewer     = errors.New("a newer version wrote this record")
	errDamaged   = errors.New("the record is damaged")
)

// PutArgs are the arguments of Put.
func PutArgs(series string, doc []byte, previous, version int64, ttl time.Duration) ([]string, error) {
	if !isWord(series) {
		return nil, errWord
	}
	head, kind, views, at, err := split(doc)
	if err != nil {
		return nil, err
	}
	return []string{
		strconv.FormatInt(previous, 10), strconv.FormatInt(version, 10), series, milliseconds(ttl),
		head, kind, views, at,
	}, nil
}

// MergeArgs are the arguments of Merge.
func MergeArgs(series, writer string, views, lastSeen int64, ttl time.Duration) ([]string, error) {
	if !isWord(series) || !isWord(writer) {
		return nil, errWord
	}
	at := none
	if lastSeen > 0 {
		at = time.UnixMilli(lastSeen).UTC().Format(timeLayout)
	}
	return []string{series, writer, strconv.FormatInt(max(views, 0), 10), strconv.FormatInt(lastSeen, 10), at, milliseconds(ttl)}, nil
}

// milliseconds rounds up: no record ends before its time.
func milliseconds(ttl time.Duration) string {
	if ttl <= 0 {
		return "0"
	}
	return strconv.FormatInt(int64((ttl+time.Millisecond-1)/time.Millisecond), 10)
}

func isWord(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}

// split takes a document apart: what comes before the members that are added,
// and its own activity.
func split(doc []byte) (head, kind, views, at string, err error) {
	if len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}' {
		return "", "", "", "", errNotObject
	}
	text := string(doc[:len(doc)-1])
	if strings.Trim(text[1:], " \t\r\n") == "" {
		return text, kindEmpty, "0", none, nil
	}
	rest, found := strings.CutSuffix(text, `"`)
	i := len(rest) - len(timeLayout) - len(lastSeenMember)
	if found && i > 0 && strings.HasPrefix(rest[i:], lastSeenMember) {
		at = rest[i+len(lastSeenMember):]
		j := strings.LastIndex(rest[:i], pageViewsMember)
		if j > 0 && isTime(at) {
			if views = rest[j+len(pageViewsMember) : i]; isCount(views) {
				return rest[:j], kindShown, views, at, nil
			}
		}
	}
	return text, kindComma, "0", none, nil
}

func isTime(s string) bool {
	for i := range len(timeLayout) {
		if digit := '0' <= s[i] && s[i] <= '9'; digit != ('0' <= timeLayout[i] && timeLayout[i] <= '9') || !digit && s[i] != timeLayout[i] {
			return false
		}
	}
	return true
}

// isCount says whether text is a number as this package writes it, small enough
// for a script to add exactly.
func isCount(s string) bool {
	if s == "" || len(s) > 15 || len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Decode reads a value. One that is not this package's is a document of version
// 0 as it stands.
func Decode(value []byte) (doc []byte, version, views, lastSeen int64, err error) {
	i := bytes.LastIndex(value, []byte(activityMember))
	if i < 0 || !bytes.HasSuffix(value, []byte(`"}`)) {
		return value, 0, 0, 0, nil
	}
	tail := string(value[i+len(activityMember) : len(value)-len(`"}`)])
	format, rest, _ := strings.Cut(tail, " ")
	if format != "1" {
		if isCount(format) {
			return nil, 0, 0, 0, errNewer
		}
		return value, 0, 0, 0, nil
	}
	var word [7]string // version, series, kind, pageViews, lastSeenAt, seen, seenAt
	for n := range word {
		var more bool
		if word[n], rest, more = strings.Cut(rest, " "); !more && n < len(word)-1 {
			return nil, 0, 0, 0, errDamaged
		}
	}
	version, err1 := strconv.ParseInt(word[0], 10, 64)
	lastSeen, err2 := strconv.ParseInt(word[5], 10, 64)
	if err1 != nil || err2 != nil {
		return nil, 0, 0, 0, errDamaged
	}
	for rest != "" {
		var writer string
		writer, rest, _ = strings.Cut(rest, " ")
		_, count, _ := strings.Cut(writer, "=")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return nil, 0, 0, 0, errDamaged
		}
		views += n
	}
	if doc = join(value[:i], word[2], word[3], word[4]); doc == nil {
		return nil, 0, 0, 0, errDamaged
	}
	return doc, version, views, lastSeen, nil
}

// join puts a document together again.
func join(head []byte, kind, views, at string) []byte {
	switch kind {
	case kindEmpty:
		return append(bytes.Clone(head), '}')
	case kindComma:
		return append(bytes.Clone(bytes.TrimSuffix(head, []byte(","))), '}')
	case kindShown:
		i := bytes.LastIndex(head, []byte(pageViewsMember))
		if i < 0 {
			return nil
		}
		doc := make([]byte, 0, len(head)+32)
		doc = append(doc, head[:i]...)
		doc = append(doc, pageViewsMember...)
		doc = append(doc, views...)
		doc = append(doc, lastSeenMember...)
		doc = append(doc, at...)
		return append(doc, `"}`...)
	}
	return nil
}
