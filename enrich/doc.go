// Package enrich turns what a request carries into what a shop wants to know:
// which software it came from and whether a person sat at it ([Agents]), which
// page they were on and what brought them there ([PageFromRequest],
// [PageFromScript], [Channel], [OriginOf]), and from which address ([Proxies.ClientAddr]).
// An operator's own lists win over the built-in ones ([ReadRules]).
//
// Everything in here reads text that strangers wrote. So every result is valid
// UTF-8 without control characters and has a cap ([Text], [MaxURL], …), secrets in
// URLs are replaced ([RedactURL]), and no name of a browser, an operating system
// or a channel is ever a stranger's own text. Functions are pure, do no I/O and
// are safe for concurrent use; only [Agents] has state, its cache and the counts of
// rules in the shadow.
//
// # What it costs
//
// A remembered agent costs a hash and a map look-up, without allocating. A new
// one costs some tens of microseconds: tokens for names (data/browsers.txt), then
// the bot patterns (data/isbot.json, crawlers.txt, tools.txt), most of them plain text
// searches. Agents that the tokens cannot name go to uap-go's tables, about a
// millisecond, within a budget. The tables are loaded when first needed.
//
// # What it cannot know
//
// Safari on an iPad says that it is a Mac, unless the shop asks the browser's
// script. Safari and Firefox send no Client Hints. A WebView that does not name its
// application is Chrome or Safari. A crawler that claims to be a browser is
// counted as one.
package enrich
