// Package secret decides what of a setting's value is shown, and which secrets are too
// easy to guess ([Bits]).
//
// The rule for addresses, such as redis:// and mongodb://: what is known to be no
// secret is shown, which is the scheme, the hosts, the database and the options that
// this package lists. Everything else is replaced by "(hidden)". Of an address that
// cannot be read without doubt nothing is shown, because any part of it may be a
// password that was not percent-encoded.
package secret
