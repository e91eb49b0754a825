package enrich

import (
	"net/http"
	"path"
	"strings"
)

// IsPageView reports whether a request counts as a page view: a GET that a person
// asked for and that was answered with 2xx or 304, so neither a prefetch nor an
// asset of a page.
func IsPageView(r *http.Request, status int) bool {
	if r.Method != http.MethodGet || (status < 200 || status > 299) && status != http.StatusNotModified {
		return false
	}
	return !IsPrefetch(r.Header) && !IsAsset(r)
}

// IsPrefetch reports whether the browser sent the request before its user asked
// for the page.
func IsPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if values := h[name]; len(values) > 0 {
			v := strings.ToLower(values[0])
			if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
				return true
			}
		}
	}
	return false
}

// IsAsset reports whether the request is for a part of a page. It goes by the
// purpose that the browser states, otherwise by the name.
func IsAsset(r *http.Request) bool {
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 {
		switch dest[0] {
		case "document", "empty", "iframe", "frame":
		case "":
		default: // image, script, style, font, audio, video, manifest, worker, …
			return true
		}
	}
	switch path.Ext(r.URL.Path) {
	case ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico",
		".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp4", ".webm", ".mp3", ".wasm", ".webmanifest":
		return true
	}
	return false
}

// MayBegin reports whether a request without a session may begin one. OPTIONS,
// HEAD and prefetches may not, because no person asked for them.
func MayBegin(r *http.Request) bool {
	return r.Method != http.MethodOptions && r.Method != http.MethodHead && r.Method != http.MethodTrace && !IsPrefetch(r.Header)
}
