// Package jobs runs what the whole installation does now and then.
//
// It owns the metrics that are refreshed every 10 seconds and the deleting of what
// is past its retention.
// It promises that of all instances one runs each slot of a job, and that nothing is
// deleted while this machine's clock and the archive's disagree, and no more than a few
// days' worth when both are wrong.
// It never does what each process has to do for itself: that is housekeeping.
package jobs
