// Package orders records what was sold and what was given back, each once.
//
// It owns the orders and refunds that the archive does not hold yet, by their ids.
// It promises that what it acknowledges is in the archive, or in the journal and flushed
// to the disk; a call says so if neither took it. And that an order is as
// complete as all calls of its id together: the first one gives its total and its time,
// a later one with the same total fills in what was not known, one with another total is
// refused.
// It never decides whose an order is: the request that places it does.
package orders
