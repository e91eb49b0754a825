// Package browser holds no code, only tests: what a real browser, Chromium, sends to a
// shop under a tracker, and what is counted of it.
//
// It owns what only a browser can say: which cookies it withholds, which requests it
// makes before anybody asked for the page, and which pages it shows without a request.
// It promises that each test has a shop, a tracker and a browser profile of its own.
// It never reaches a network: every host name of a page leads to this process.
package browser
