package enrich

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func asked(method, target string, header ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestIsPageView(t *testing.T) {
	const html = "text/html; charset=utf-8"
	for _, c := range []struct {
		rule        string
		r           *http.Request
		status      int
		contentType string
		want        bool
	}{
		{"a page", asked("GET", "/"), 200, html, true},
		{"data", asked("GET", "/api/products"), 200, "application/json", true},
		{"a page that is unchanged", asked("GET", "/"), 304, "", true},
		{"another whole answer", asked("GET", "/"), 203, html, true},
		{"an answer of unknown type", asked("GET", "/"), 200, "", true},
		{"a PDF as a whole", asked("GET", "/catalogue.pdf"), 200, "application/pdf", true},
		{"a part of it", asked("GET", "/catalogue.pdf", "Range: bytes=0-99"), 206, "application/pdf", false},
		{"a range out of bounds", asked("GET", "/catalogue.pdf"), 416, "", false},
		{"nothing", asked("GET", "/"), 204, "", false},
		{"nothing, with a reset", asked("GET", "/"), 205, "", false},
		{"an error", asked("GET", "/"), 404, html, false},
		{"a failure", asked("GET", "/"), 500, html, false},
		{"a redirect", asked("GET", "/"), 303, html, false},
		{"an upgrade", asked("GET", "/"), 101, "", false},
		{"a HEAD", asked("HEAD", "/"), 200, html, false},
		{"an OPTIONS", asked("OPTIONS", "/"), 200, html, false},
		{"a POST", asked("POST", "/"), 200, html, false},

		{"the type counts before the ending: a page whose path ends like a picture", asked("GET", "/wiki/shoe.JPG"), 200, html, true},
		{"a picture whose path ends like a page", asked("GET", "/shoe.html"), 200, "image/png", false},
		{"a picture whose path has no ending", asked("GET", "/media/17"), 200, "Image/PNG", false},
		{"a video", asked("GET", "/media/17"), 200, "video/mp4", false},
		{"a playlist", asked("GET", "/media/17"), 200, "application/vnd.apple.mpegurl", false},
		{"a font", asked("GET", "/f/17"), 200, "font/woff2", false},
		{"a font of an old server", asked("GET", "/f/17"), 200, "application/x-font-ttf", false},
		{"a script", asked("GET", "/bundle"), 200, "text/javascript", false},
		{"a script of an old server", asked("GET", "/bundle"), 200, "application/x-javascript; charset=utf-8", false},
		{"a style sheet", asked("GET", "/bundle"), 200, "text/css", false},
		{"a manifest", asked("GET", "/site"), 200, "application/manifest+json", false},
		{"a camera's pictures", asked("GET", "/cam"), 200, "multipart/x-mixed-replace; boundary=x", false},
		{"the ending counts where the type leaves it open, in any case", asked("GET", "/APP.JS.MAP"), 200, "application/json", false},
		{"likewise unchanged", asked("GET", "/LOGO.SVG"), 304, "", false},
		{"likewise by a server that knows no types", asked("GET", "/f/a.WOFF2"), 200, "application/octet-stream", false},
		{"text", asked("GET", "/robots"), 200, "text/plain", true},

		{"what a picture element asks for", asked("GET", "/17", "Sec-Fetch-Dest: image"), 200, html, false},
		{"what a fetch asks for", asked("GET", "/17", "Sec-Fetch-Dest: empty"), 200, html, true},

		{"an image of a browser without Fetch metadata, unchanged", asked("GET", "/media/17", "Accept: image/webp,image/*;q=0.8,*/*;q=0.5"), 304, "", false},
		{"a style sheet likewise", asked("GET", "/theme", "Accept: text/css,*/*;q=0.1"), 304, "", false},
		{"a page of such a browser", asked("GET", "/", "Accept: text/html,application/xhtml+xml,image/webp,*/*;q=0.8"), 304, "", true},
		{"data of such a browser", asked("GET", "/api", "Accept: */*"), 200, "application/json", true},
		{"a page's data in Next.js' format", asked("GET", "/p/1?_rsc=1", "RSC: 1"), 200, "text/x-component", true},

		{"a long poll of Socket.IO", asked("GET", "/socket.io/?EIO=4&transport=polling&t=abc&sid=1"), 200, "text/plain; charset=UTF-8", false},
		{"of SignalR", asked("GET", "/hub?transport=longPolling&connectionToken=1"), 200, "application/json", false},
		{"of Phoenix", asked("GET", "/live/longpoll?vsn=2.0.0"), 200, "application/json", false},
		{"a WebSocket's request over HTTP/2", asked("GET", "/live", "Sec-WebSocket-Version: 13"), 200, "", false},
		{"an event stream", asked("GET", "/live"), 200, "text/event-stream", false},
		{"an event stream with a charset", asked("GET", "/live"), 200, "Text/Event-Stream; charset=utf-8", false},
		{"a request for one", asked("GET", "/live", "Accept: text/event-stream"), 200, html, false},
		{"one that reconnects", asked("GET", "/live", "Last-Event-ID: 7"), 200, html, false},
		{"a WebSocket's request", asked("GET", "/live", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 200, "", false},

		{"fetched ahead", asked("GET", "/", "Sec-Purpose: prefetch"), 200, html, false},
		{"rendered ahead", asked("GET", "/", "Sec-Purpose: prefetch;prerender"), 200, html, false},
		{"fetched ahead through a proxy", asked("GET", "/", "Sec-Purpose: prefetch;anonymous-client-ip"), 200, html, false},
		{"by Firefox of old", asked("GET", "/", "X-Moz: prefetch"), 200, html, false},
		{"by Chrome of old", asked("GET", "/", "Purpose: prefetch"), 200, html, false},
		{"a preview of Safari's", asked("GET", "/", "X-Purpose: preview"), 200, html, false},
		{"by Turbo", asked("GET", "/", "X-Sec-Purpose: prefetch"), 200, html, false},
		{"by Next.js", asked("GET", "/", "Next-Router-Prefetch: 1"), 200, html, false},
		{"a segment, by Next.js", asked("GET", "/", "Next-Router-Segment-Prefetch: /_tree"), 200, html, false},
		{"by the pages router of Next.js", asked("GET", "/", "X-Middleware-Prefetch: 1"), 200, html, false},
		{"by htmx", asked("GET", "/", "HX-Preloaded: true"), 200, html, false},
		{"said on a second line", asked("GET", "/", "Purpose: navigation", "Purpose: Prefetch"), 200, html, false},
		{"by Next.js, as a proxy passes it on", asked("GET", "/", "X-Next-Router-Prefetch: 1"), 200, html, false},
		{"by Turbo before 8", asked("GET", "/", "Vnd.Prefetch: true"), 200, html, false},
		{"a service worker that asks beside its start", asked("GET", "/", "Service-Worker-Navigation-Preload: true"), 200, html, true},
		{"not by htmx", asked("GET", "/", "HX-Preloaded: false"), 200, html, true},
		{"another purpose", asked("GET", "/", "Sec-Purpose: navigation"), 200, html, true},
	} {
		if got := IsPageView(c.r, c.status, c.contentType); got != c.want {
			t.Errorf("%s: %s %s %v answered %d %q is a page view: %v, want %v", c.rule, c.r.Method, c.r.URL, c.r.Header, c.status, c.contentType, got, c.want)
		}
	}
}

func TestMayBegin_WhatSoftwareRepeatsMayNot(t *testing.T) {
	for rule, r := range map[string]*http.Request{
		"a report of the browser's": asked("POST", "/csp", "Content-Type: application/csp-report"), "reports": asked("POST", "/r", "Content-Type: application/reports+json"),
		"a ping": asked("POST", "/p", "Content-Type: text/ping", "Ping-To: /x"), "an event stream": asked("GET", "/live", "Accept: text/event-stream"),
		"HEAD": asked("HEAD", "/"), "OPTIONS": asked("OPTIONS", "/"), "a prefetch": asked("GET", "/", "Purpose: prefetch"),
	} {
		if MayBegin(r) {
			t.Errorf("%s may begin a session, though no person asked for it", rule)
		}
	}
	for rule, r := range map[string]*http.Request{"a page": asked("GET", "/"), "a form": asked("POST", "/", "Content-Type: application/x-www-form-urlencoded"), "a beacon": asked("POST", "/", "Content-Type: text/plain;charset=UTF-8")} {
		if !MayBegin(r) {
			t.Errorf("%s may not begin a session", rule)
		}
	}
}

func FuzzIsPageView(f *testing.F) {
	f.Add("GET", "/a.JPG?x", "text/html", "prefetch", "image")
	f.Fuzz(func(t *testing.T, method, path, contentType, purpose, dest string) {
		r := &http.Request{Method: method, URL: asked("GET", "/").URL, Header: http.Header{"Sec-Purpose": {purpose}, "Sec-Fetch-Dest": {dest}, "Content-Type": {contentType}}}
		r.URL.Path = path
		if IsPageView(r, 206, contentType) || IsPageView(r, 404, contentType) {
			t.Error("a part or an error is a page view")
		}
		MayBegin(r)
		CookiesWithheld(r, nil)
	})
}
