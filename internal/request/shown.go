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
	ahead := !isPage && enrich.IsPrefetch(r.r.Header)
	switch {
	case ahead && mode == Tracked:
		if page, ok := r.isFetchedAhead(status, contentType); ok && e != nil {
			e.RememberPrefetch(page)
		} else if addr, whom := r.q.Describe.Proxies.ClientAddr(r.r); ok && whom == enrich.OneVisitor && !r.sentCookie {
			r.q.landings.remember(addr, r.r.UserAgent(), page, r.r.Referer(), at)
		}
	case ahead || e == nil:
	case e.HasPrefetched():
		r.countShown(e, at)
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
	e.TakePrefetch(pageAsSent(enrich.RequestedAsSent(r.r))) // this request counts by itself
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
	kept := before
	sign := "?"
	for param := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(param, "_rsc=") {
			kept, sign = kept+sign+param, "&"
		}
	}
	return kept
}
