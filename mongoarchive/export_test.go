package mongoarchive

import "go.mongodb.org/mongo-driver/v2/event"

// WithMonitor has a monitor see each command that an archive sends.
func WithMonitor(o Options, m *event.CommandMonitor) Options {
	o.monitor = m
	return o
}

// Classify tells what becomes of a driver's error.
var Classify = classify
