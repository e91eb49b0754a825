package redisrecord

import (
	"strconv"
	"strings"

	"github.com/footfall-go/footfall/store"
)

const (
	activityName   = `"activity":"`
	pageViewsName  = `"pageViews":`
	lastSeenName   = `,"lastSeenAt":"`
	timeForm       = "0000-00-00T00:00:00.000Z"
	greatestNumber = 1 << 53 // the greatest integer that is exact in a Lua number
)

// Decode reads a value and returns its document and the merged activity. A value
// that is not a record counts as a document of version 0. The error is
// [store.ErrNewer].
func Decode(value []byte) (doc []byte, version int64, all store.Activity, err error) {
	start, format, fields, ok := cutMember(string(value))
	version, fields, ok1 := cutInt(fields)
	series, fields, ok2 := strings.Cut(fields, " ")
	if !ok || !ok1 || !ok2 || !isWord(series, false) {
		return value, 0, store.Activity{}, nil
	}
	if format != 1 {
		return nil, 0, store.Activity{}, store.ErrNewer
	}
	base, fields, ok := strings.Cut(fields, " ")
	seen, writers, some := strings.Cut(fields, " ")
	all, ok2 = sum(writers, some)
	all.LastSeen, ok1 = parseInt(seen)
	doc, ok3 := restore(start, base)
	if !ok || !ok1 || !ok2 || !ok3 || all.LastSeen < 0 {
		return value, 0, store.Activity{}, nil
	}
	return doc, version, all, nil
}

// cutMember splits a value into the text before the activity member, the member's
// format, and the member's other fields.
func cutMember(value string) (start string, format int64, fields string, ok bool) {
	value, ok = strings.CutSuffix(value, `"}`)
	if !ok {
		return "", 0, "", false
	}
	quote := strings.LastIndexByte(value, '"') + 1
	start, ok1 := strings.CutSuffix(value[:quote], activityName)
	format, fields, ok2 := cutInt(value[quote:])
	return start, format, fields, ok1 && ok2 && format > 0
}

// sum adds up what the writers counted. some reports whether there are any
// writers.
func sum(writers string, some bool) (all store.Activity, ok bool) {
	for some {
		var writer string
		writer, writers, some = strings.Cut(writers, " ")
		name, counts, _ := strings.Cut(writer, "=")
		views, rest, _ := strings.Cut(counts, "+")
		events, orders, _ := strings.Cut(rest, "+")
		v, ok1 := parseInt(views)
		e, ok2 := parseInt(events)
		o, ok3 := parseInt(orders)
		if !ok1 || !ok2 || !ok3 || v < 0 || e < 0 || o < 0 || !isWord(name, true) {
			return store.Activity{}, false
		}
		all.Views, all.Events, all.Orders = all.Views+v, all.Events+e, all.Orders+o
	}
	return all, true
}

// restore rebuilds the document from the text before the activity member.
func restore(start, base string) ([]byte, bool) {
	if views, at, ok := strings.Cut(base, "@"); ok {
		start, _, _, ok = cutActivity(start, ',')
		if !ok || !isNumber(views) || !isTime(at) {
			return nil, false
		}
		doc := make([]byte, 0, len(start)+len(pageViewsName)+len(views)+len(lastSeenName)+len(at)+2)
		doc = append(append(doc, start...), pageViewsName...)
		doc = append(append(doc, views...), lastSeenName...)
		return append(append(doc, at...), `"}`...), true
	}
	count, ok := strings.CutPrefix(base, "-")
	n := int64(0)
	if ok && count != "" {
		n, ok = parseInt(count)
	}
	start = strings.TrimSuffix(start, ",")
	if !ok || n < 0 || n > int64(len(start)) {
		return nil, false
	}
	end := len(start) - int(n)
	doc := make([]byte, 0, len(start)+1)
	doc = append(append(doc, start[:end]...), '}')
	return append(doc, start[end:]...), true
}

// cutActivity removes the members pageViews and lastSeenAt, in the form that this
// project writes, and the byte last from the end of s.
func cutActivity(s string, last byte) (start, views, at string, ok bool) {
	end := len(s) - len(timeForm) - 2
	if end < 0 || s[len(s)-1] != last || s[len(s)-2] != '"' || !isTime(s[end:len(s)-2]) {
		return "", "", "", false
	}
	at = s[end : len(s)-2]
	if s, ok = strings.CutSuffix(s[:end], lastSeenName); !ok {
		return "", "", "", false
	}
	digits := len(s)
	for digits > 0 && s[digits-1] >= '0' && s[digits-1] <= '9' {
		digits--
	}
	views = s[digits:]
	start, ok = strings.CutSuffix(s[:digits], pageViewsName)
	return start, views, at, ok && (last == ',' || isNumber(views))
}

func isTime(s string) bool {
	if len(s) != len(timeForm) {
		return false
	}
	for i := range len(s) {
		if c := timeForm[i]; c == '0' && (s[i] < '0' || s[i] > '9') || c != '0' && s[i] != c {
			return false
		}
	}
	return true
}

// isNumber reports whether s is a count that the script can calculate with
// exactly.
func isNumber(s string) bool {
	n, ok := parseInt(s)
	return ok && n >= 0 && n <= greatestNumber
}

func cutInt(s string) (n int64, rest string, ok bool) {
	text, rest, ok := strings.Cut(s, " ")
	n, canonical := parseInt(text)
	return n, rest, ok && canonical
}

// parseInt accepts a number in its shortest form only.
func parseInt(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] == '+' || digits[0] == '0' && s != "0" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
