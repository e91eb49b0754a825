package enrich

import (
	"net/http"
	"path"
	"strings"
)

// IsPageView reports whether an answer counts as a page view: a whole document, or
// data, that a person asked for with GET. status and contentType are the answer's.
//
// These count for nothing: other methods; errors, redirects and answers without
// content; a part of a document (206); an event stream or a WebSocket; a medium or an
// asset of a page; a prefetch.
func IsPageView(r *http.Request, status int, contentType string) bool {
	if r.Method != http.MethodGet {
		return false
	}
	switch {
	case status == http.StatusNoContent, status == http.StatusResetContent, status == http.StatusPartialContent:
		return false
	case (status < 200 || status > 299) && status != http.StatusNotModified:
		return false
	}
	return !IsPrefetch(r.Header) && !IsAsset(r, contentType) && !IsRepeated(r, contentType)
}

// The headers with which browsers, and scripts of frameworks, say that they fetch a
// page ahead: by a word in their value, or by being there.
var (
	purposes = [...]string{
		"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz", // browsers
		"X-Sec-Purpose", // Turbo, which may not set Sec-Purpose
	}
	prefetchMarks = [...]string{
		"Next-Router-Prefetch", "Next-Router-Segment-Prefetch", "X-Middleware-Prefetch", // Next.js
		"X-Next-Router-Prefetch",     // the same, as proxies keep it from Next.js' middleware
		"Hx-Preloaded", "Hx-Preload", // htmx
		"Vnd.prefetch", // Turbo before 8
	}
)

// IsPrefetch reports whether the browser, or a script of the page, sent the request
// before its user asked for the page.
func IsPrefetch(h http.Header) bool {
	for _, name := range &purposes {
		for _, value := range h[name] {
			value = strings.ToLower(value)
			if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") || strings.Contains(value, "preload") {
				return true
			}
		}
	}
	for _, name := range &prefetchMarks {
		for _, value := range h[name] {
			switch strings.ToLower(value) {
			case "", "0", "false":
			default:
				return true
			}
		}
	}
	return false
}

// IsOfPrerendered reports whether a page that a browser renders ahead made the request,
// for a part of itself. fromAhead says that the page which the request was made from was
// fetched ahead and has not been shown yet; it decides where there are no Fetch metadata.
func IsOfPrerendered(r *http.Request, fromAhead bool) bool {
	for _, value := range r.Header["Sec-Purpose"] {
		if strings.Contains(strings.ToLower(value), "prerender") {
			if len(r.Header["Sec-Fetch-Mode"]) == 0 {
				return fromAhead
			}
			return !isTopNavigation(r)
		}
	}
	return false
}

// WithoutPrefetch returns a copy of the header that does not say that the page is fetched ahead.
func WithoutPrefetch(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range &purposes {
		delete(h, name)
	}
	for _, name := range &prefetchMarks {
		delete(h, name)
	}
	return h
}

// IsAsset reports whether a request is for a part of a page or a medium. It goes by the
// purpose that the browser states, then by the answer's Content-Type, "" if that is not
// known, and where both leave it open by the ending of the path and by what the browser
// accepts.
func IsAsset(r *http.Request, contentType string) bool {
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 {
		switch dest[0] {
		case "", "document", "empty", "iframe", "frame":
		default: // image, script, style, font, audio, video, manifest, worker, report, …
			return true
		}
	}
	switch kindOf(contentType) {
	case document:
		return false
	case medium:
		return true
	}
	return assetEndings[strings.ToLower(path.Ext(r.URL.Path))] || acceptsAsset(r.Header)
}

// acceptsAsset reports whether a browser asks for an image, a style sheet or a medium
// before anything else. Browsers without Fetch metadata say so too, and all do when the
// answer, a 304 say, names no type.
func acceptsAsset(h http.Header) bool {
	accept := h["Accept"]
	if len(accept) == 0 {
		return false
	}
	for _, family := range &assetFamilies {
		if strings.HasPrefix(accept[0], family) {
			return true
		}
	}
	return false
}

var assetFamilies = [...]string{"image/", "text/css", "video/", "audio/", "font/"}

// A kind is what a Content-Type says of an answer.
type kind int

const (
	unclear  kind = iota // data, which may be a page's source map or manifest
	document             // a page, whatever its path ends with
	medium               // an asset or a medium, likewise
)

func kindOf(contentType string) kind {
	name, _, _ := strings.Cut(contentType, ";")
	name = strings.TrimSpace(name)
	switch name { // the usual ones, which need no lower case
	case "text/html", "application/xhtml+xml", "application/pdf":
		return document
	case "", "application/json", "text/plain":
		return unclear
	}
	name = strings.ToLower(name)
	family, rest, _ := strings.Cut(name, "/")
	switch family {
	case "image", "audio", "video", "font":
		return medium
	case "text":
		switch rest {
		case "html":
			return document
		case "css", "javascript", "ecmascript", "vtt", "event-stream":
			return medium
		}
	case "multipart": // parts of a document, or pictures of a camera
		return medium
	case "application":
		switch rest {
		case "xhtml+xml", "pdf":
			return document
		case "javascript", "ecmascript", "x-javascript", "wasm", "manifest+json", "vnd.ms-fontobject",
			"vnd.apple.mpegurl", "x-mpegurl", "dash+xml", "ogg", "speculationrules+json", "importmap+json", "opensearchdescription+xml":
			return medium
		}
		if strings.HasPrefix(rest, "font") || strings.HasPrefix(rest, "x-font") {
			return medium
		}
	}
	return unclear
}

// assetEndings are the endings of paths that are no page's, in lower case.
var assetEndings = func() map[string]bool {
	endings := map[string]bool{}
	for ending := range strings.FieldsSeq(`
		.css .js .mjs .cjs .map .wasm .webmanifest .vtt .htc
		.png .apng .jpg .jpeg .jfif .gif .webp .avif .heic .heif .jxl .bmp .tif .tiff .svg .ico .cur
		.woff .woff2 .ttf .otf .eot
		.mp4 .m4v .webm .mov .mkv .avi .ogv .mpg .mpeg .m3u8 .mpd .ts .m4s
		.mp3 .m4a .aac .oga .ogg .opus .wav .flac`) {
		endings[ending] = true
	}
	return endings
}()

// IsRepeated reports whether software may make the request again and again by
// itself, without a person: an event stream, a WebSocket or a long poll, which
// reconnect, a ping, a report of the browser's. Such a request is no activity. contentType is the answer's, ""
// if that is not known.
func IsRepeated(r *http.Request, contentType string) bool {
	h := r.Header
	const stream = "text/event-stream"
	if len(contentType) >= len(stream) && strings.EqualFold(contentType[:len(stream)], stream) {
		return true
	}
	if accept := h["Accept"]; len(accept) > 0 && strings.HasPrefix(accept[0], stream) {
		return true
	}
	if len(h["Last-Event-Id"]) > 0 || len(h["Ping-To"]) > 0 || len(h["Sec-Websocket-Key"]) > 0 || len(h["Sec-Websocket-Version"]) > 0 {
		return true
	}
	if isLongPoll(r) {
		return true
	}
	if r.Method != http.MethodPost {
		return false
	}
	types := h["Content-Type"]
	if len(types) == 0 {
		return false
	}
	name, _, _ := strings.Cut(types[0], ";")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "application/reports+json", "application/csp-report", "application/expect-ct-report+json", "text/ping":
		return true
	}
	return false
}

// isLongPoll reports whether a script waits for news with the request, and will ask again
// when it is answered, as those of Socket.IO, SignalR, SockJS and Phoenix do where they
// have no WebSocket.
func isLongPoll(r *http.Request) bool {
	if r.URL == nil {
		return false
	}
	if query := r.URL.RawQuery; query != "" && (strings.Contains(query, "transport=polling") || strings.Contains(query, "transport=longPolling")) {
		return true
	}
	return strings.HasSuffix(r.URL.Path, "/longpoll") || strings.HasSuffix(r.URL.Path, "/xhr_streaming")
}

// MayBegin reports whether a request without a session may begin one. OPTIONS,
// HEAD, prefetches, and what software repeats by itself may not, because no person
// asked for them.
func MayBegin(r *http.Request) bool {
	switch r.Method {
	case http.MethodOptions, http.MethodHead, http.MethodTrace, http.MethodConnect:
		return false
	}
	return !IsPrefetch(r.Header) && !IsRepeated(r, "")
}

// IsNavigation reports whether a browser's user went to another page with a request,
// rather than a script or a page that made it. Browsers without Fetch metadata ask for HTML
// when they navigate.
func IsNavigation(r *http.Request) bool {
	if mode := r.Header["Sec-Fetch-Mode"]; len(mode) > 0 && mode[0] != "" {
		return mode[0] == "navigate"
	}
	accept := r.Header["Accept"]
	return len(accept) > 0 && strings.Contains(accept[0], "text/html")
}
