package request

import (
	"strings"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// A page that was fetched ahead counts when it is shown. No request says that it is,
// but a later one does whose Referer it is.

// followPrefetches remembers the page that a request fetches ahead, or counts the page
// that it was made from, if that had been fetched ahead.
func (r *Request) followPrefetches(e *live.Entry, isPage bool, status int, contentType string, mode Mode, at time.Time) {
	switch {
	case !isPage && enrich.IsPrefetch(r.r.Header):
		if mode == Tracked {
			r.fetchedAhead(e, status, contentType, at)
		}
	case e != nil && e.HasPrefetched():
		e.TakePrefetch(pageAsSent(enrich.RequestedAsSent(r.r))) // this request counts by itself
		r.countShown(e, at)
	}
}

// fetchedAhead remembers the page that a request fetches ahead. The page that it was made
// from is shown: only such pages fetch others ahead. What a page that is rendered ahead
// asks for is a part of it.
func (r *Request) fetchedAhead(e *live.Entry, status int, contentType string, at time.Time) {
	from := pageAsSent(r.q.Describe.ShownPage(r.r))
	fromAhead := e != nil && e.HasPrefetched() && e.IsPrefetched(from)
	page, ok := r.isFetchedAhead(status, contentType)
	if !ok || enrich.IsOfPrerendered(r.r, fromAhead) {
		return
	}
	if e != nil {
		if fromAhead {
			r.countShown(e, at)
		}
		if page != from && e.RememberPrefetch(page) { // from is shown already
			r.q.landings.forgotten.Add(1)
		}
		return
	}
	if addr, whom := r.q.Describe.Proxies.ClientAddr(r.r); whom == enrich.OneVisitor && !r.sentCookie {
		r.q.landings.remember(addr, r.r.UserAgent(), page, r.r.Referer(), at)
	}
}

// isFetchedAhead returns the page that a request fetches ahead, and whether its answer
// would count as a page view otherwise.
func (r *Request) isFetchedAhead(status int, contentType string) (page string, ok bool) {
	shown := r.r.WithContext(r.r.Context())
	shown.Header = enrich.WithoutPrefetch(r.r.Header)
	return pageAsSent(enrich.RequestedAsSent(r.r)), r.q.IsPageView(shown, status, contentType)
}

// countShown counts the page that a request was made from, if that had been fetched
// ahead and not shown yet.
func (r *Request) countShown(e *live.Entry, at time.Time) {
	page := pageAsSent(r.q.Describe.ShownPage(r.r))
	if page == "" || !e.TakePrefetch(page) {
		return
	}
	r.countPage(e, page, at)
}

// countPage counts a view of another page than the one that was requested.
func (r *Request) countPage(e *live.Entry, page string, at time.Time) {
	view := r.pageView(e.SessionID(), e.VisitorID(), at)
	view.Page = enrich.StoredPage(page)
	r.q.Sessions.Record(r, e, &store.EventRecorded{Event: view})
}

// pageAsSent is a page's path and query without what a framework adds to them when it
// fetches the page by script: Next.js adds _rsc.
func pageAsSent(uri string) string {
	before, query, ok := strings.Cut(uri, "?")
	if !ok || !strings.Contains(query, "_rsc=") {
		return uri
	}
	var kept strings.Builder // a query may have as many parameters as a header has bytes
	kept.Grow(len(uri))
	kept.WriteString(before)
	sign := byte('?')
	for param := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(param, "_rsc=") {
			kept.WriteByte(sign)
			kept.WriteString(param)
			sign = '&'
		}
	}
	return kept.String()
}
