// Package firstbyte calls back before the first byte of an answer.
//
// It owns the response writer that a handler sees.
// It promises that [Hooks] hear of an answer exactly once, before its first byte,
// with the status; and that everything that the writer underneath can do (flush,
// hijack, push, ReadFrom, deadlines) the handler can still do.
// It never writes a byte or a header of its own.
package firstbyte
