package mongoarchive

import "go.mongodb.org/mongo-driver/v2/event"

// WithMonitor has a monitor see each command that an archive sends.
func WithMonitor(o Options, m *event.CommandMonitor) Options {
	o.monitor = m
	return o
}

// Classify tells what becomes of a driver's error.
var Classify = classify

// AppendInsert builds the command that inserts events.
var AppendInsert = appendInsert

// Duplicates tells which documents of an insert were there already.
var Duplicates = duplicates
