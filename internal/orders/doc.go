// Package orders records what was sold and what was given back, each once.
//
// It owns the orders that the archive does not hold yet, by their ids.
// It promises that a sale never fails because of tracking: an order that cannot be
// written is kept in this process and tried again each second.
// It never decides whose an order is: the request that places it does.
package orders
