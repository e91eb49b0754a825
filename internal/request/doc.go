// Package request is one HTTP request as the tracker sees it.
//
// It owns what a request came with, whose session it has or begins, and what its
// answer was and tells the browser: one decision, made before the first byte.
// It promises that a session is begun, a page view counted and a cookie set at most
// once a request, and that a request which found out too late that its secret was
// replaced sets no cookie.
// It never decides what a session is worth: package sessions does.
package request
