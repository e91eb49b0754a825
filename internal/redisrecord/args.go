package redisrecord

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/footfall-go/footfall/store"
)

// Key returns the key of a session's record.
func Key(prefix, id string) string { return prefix + "session:" + id }

const blanks = " \t\r\n" // the white space of JSON

// PutArgs returns the arguments of [Put].
func PutArgs(series string, doc []byte, previous, version int64, ttl time.Duration) ([]string, error) {
	if !isWord(series, false) {
		return nil, fmt.Errorf("the series %.40q must consist of letters, digits and hyphens", series)
	}
	start, base, ok := split(string(doc))
	if !ok {
		return nil, errors.New("the document is not a JSON object")
	}
	return []string{strconv.FormatInt(previous, 10), strconv.FormatInt(version, 10), series, base, start, milliseconds(ttl)}, nil
}

// New returns the value of a record that has no previous one: what [Put] would write.
// SET with NX and PX does the same with it, at a fifth of what a script costs Redis.
func New(series string, doc []byte, version int64) (value string, err error) {
	args, err := PutArgs(series, doc, 0, version, 0)
	if err != nil {
		return "", err
	}
	version10, base, start := args[1], args[3], args[4]
	shown := ""
	if views, at, ok := strings.Cut(base, "@"); ok {
		shown = pageViewsName + views + lastSeenName + max(at, noActivity) + `",`
	}
	return start + shown + activityName + "1 " + version10 + " " + series + " " + base + ` 0"}`, nil
}

// noActivity is how the scripts show the time 0.
const noActivity = "1970-01-01T00:00:00.000Z"

// Milliseconds is a duration in whole milliseconds, rounded up, so that a positive one
// never becomes 0; a negative one becomes 0.
func Milliseconds(d time.Duration) int64 {
	ms := d / time.Millisecond
	if d%time.Millisecond > 0 {
		ms++
	}
	return max(int64(ms), 0)
}

// MergeArgs returns the arguments of [Merge].
func MergeArgs(series, writer string, a store.Activity, ttl time.Duration) ([]string, error) {
	if !isWord(series, false) {
		return nil, fmt.Errorf("the series %.40q must consist of letters, digits and hyphens", series)
	}
	if !isWord(writer, true) {
		return nil, fmt.Errorf("the writer %.40q must consist of letters, digits, hyphens and dots", writer)
	}
	args := []string{series, writer}
	for _, n := range [...]int64{a.Views, a.Events, a.Orders, a.LastSeen} {
		args = append(args, strconv.FormatInt(max(n, 0), 10))
	}
	return append(args, milliseconds(ttl), strconv.Itoa(store.MaxWriters)), nil
}

// split cuts off the end of a document that its record rewrites. base is what is
// needed to restore that end. White space that follows the object is placed
// before the new member.
func split(doc string) (start, base string, ok bool) {
	if start, views, at, ok := cutActivity(doc, '}'); ok && strings.HasSuffix(start, ",") {
		return start, views + "@" + at, true
	}
	object := strings.TrimRight(doc, blanks)
	start, ok = strings.CutSuffix(object, "}")
	if !ok || !strings.HasPrefix(strings.TrimLeft(start, blanks), "{") {
		return "", "", false
	}
	empty := strings.HasSuffix(strings.TrimRight(start, blanks), "{")
	base = "-"
	if n := len(doc) - len(object); n > 0 {
		base += strconv.Itoa(n)
		start += doc[len(object):]
	}
	if !empty {
		start += ","
	}
	return start, base, true
}

// milliseconds is [Milliseconds] as text.
func milliseconds(d time.Duration) string { return strconv.FormatInt(Milliseconds(d), 10) }

func isWord(s string, dots bool) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.' && dots:
		default:
			return false
		}
	}
	return s != ""
}
