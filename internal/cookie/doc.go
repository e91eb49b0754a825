// Package cookie reads and writes Footfall's cookies.
//
// It owns the grammars of signed values, the key ring that signs and verifies
// them in the format of Express's cookie-parser, and the Set-Cookie line with the
// cache directives that go with it.
// It promises that no value is looked at before its signature was verified, that
// no value of one kind passes as another, and that a secret is never printed.
// It never asks a store whether what a cookie says is still true.
package cookie
