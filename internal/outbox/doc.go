// Package outbox carries facts to the archive.
//
// It owns this process's journal, the form of a fact in it, the projector that
// empties it into the archive, and the replay of what the last run left.
// It promises that a fact which was acknowledged reaches the archive once, however
// the process ends; that every fact which cannot is counted by name; and that
// nobody relies on the archive before it holds what the last run left.
// It never decides what a fact means, and never drops one that the journal holds.
package outbox
