package mongoarchive

import "go.mongodb.org/mongo-driver/v2/event"

// WithMonitor makes a monitor see each command that an archive sends.
func WithMonitor(o Options, m *event.CommandMonitor) Options {
	o.monitor = m
	return o
}

// Classify returns how an error of the driver is classified.
var Classify = classify

// AppendInsert builds the command that inserts events.
var AppendInsert = appendInsert

// Duplicates returns which documents of an insert existed already.
var Duplicates = duplicates

// SetPurgeEvents sets how many events one step of Purge deletes at most. It returns what
// undoes that.
func SetPurgeEvents(n int) (undo func()) {
	before := purgeEvents
	purgeEvents = n
	return func() { purgeEvents = before }
}

// SetEventsAtOnce sets how many events of several sessions are in memory at a time.
func SetEventsAtOnce(n int) (restore func()) {
	before := eventsAtOnce
	eventsAtOnce = n
	return func() { eventsAtOnce = before }
}
