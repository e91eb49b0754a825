package frameworks

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// A returning is a handler that returns an error for its router to answer, as in many shops'
// own routers.
type returning func(w http.ResponseWriter, r *http.Request) error

var (
	errMissing = errors.New("missing")
	errBroken  = errors.New("broken")
)

func status(err error) int {
	if errors.Is(err, errMissing) {
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// returningRoutes has the routes of a setup that the tests below use.
func (s site) returningRoutes() returning {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		switch r.URL.Path {
		case "/page":
			io.WriteString(w, "a page")
		case "/empty":
		case "/broken":
			return errBroken
		case "/panic":
			panic("a handler's mistake")
		case "/login":
			io.WriteString(w, s.login(r.Context()))
		case "/whoami":
			io.WriteString(w, s.whoami(r.Context()))
		case "/login-and-fail":
			s.login(r.Context())
			return errBroken
		default:
			return errMissing
		}
		return nil
	}
}

// returningSetup is a router of such handlers with the tracker as its middleware. answer gets the
// writer that the tracker handed on and the one that it got itself.
func returningSetup(name string, answer func(handedOn, own http.ResponseWriter, err error)) setup {
	return setup{name: name, handler: func(s site) http.Handler {
		h := s.returningRoutes()
		return http.HandlerFunc(func(own http.ResponseWriter, r *http.Request) {
			var handedOn http.ResponseWriter
			var err error
			s.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handedOn, err = w, h(w, r)
			})).ServeHTTP(own, r)
			if err != nil {
				answer(handedOn, own, err)
			}
		})
	}}
}

// throughTheTracker are routers whose error page goes through the tracker's writer, but when the
// tracker's handler has returned already.
func throughTheTracker() []setup {
	return []setup{
		returningSetup("http.Error", func(w, _ http.ResponseWriter, err error) { http.Error(w, err.Error(), status(err)) }),
		returningSetup("WriteHeader alone", func(w, _ http.ResponseWriter, err error) { w.WriteHeader(status(err)) }),
		returningSetup("WriteHeader and a body", func(w, _ http.ResponseWriter, err error) {
			w.WriteHeader(status(err))
			io.WriteString(w, err.Error())
		}),
	}
}

// pastTheTracker are routers that write their error page to the server's writer.
func pastTheTracker() []setup {
	return []setup{
		returningSetup("http.Error", func(_, w http.ResponseWriter, err error) { http.Error(w, err.Error(), status(err)) }),
		returningSetup("WriteHeader alone", func(_, w http.ResponseWriter, err error) { w.WriteHeader(status(err)) }),
	}
}

func TestAnErrorPageThatTheRouterWritesThroughTheTrackersWriterIsNoVisit(t *testing.T) {
	eachOf(t, throughTheTracker(), func(t *testing.T, _ setup, sh *shop) { errorPagesAreNoVisits(t, sh) })
}

func TestAnErrorPageThatTheRouterWritesThroughTheTrackersWriterIsNoPageViewOfAKnownVisitor(t *testing.T) {
	eachOf(t, throughTheTracker(), func(t *testing.T, _ setup, sh *shop) { errorPagesAreNoPageViews(t, sh) })
}

// The tracker cannot see the status of an answer that passes it by, but the header tells that
// there is one. Cookies are in it already; a status alone looks like an answer with nothing.
func TestAnErrorPageThatTheRouterWritesPastTheTrackersWriterIsNotCounted(t *testing.T) {
	eachOf(t, pastTheTracker()[:1], func(t *testing.T, _ setup, sh *shop) {
		for _, page := range errorPages {
			sh.visitor().get(page.path)
		}
		for path, n := range sh.pages() {
			t.Errorf("%s: an error page on a first visit is %d sessions and %d page views, want none", path, n.sessions, n.views)
		}
		errorPagesAreNoPageViews(t, sh)
	})
}

func TestARouterThatAnswersErrorsItselfCountsItsEmptyAnswers(t *testing.T) {
	eachOf(t, append(throughTheTracker(), pastTheTracker()...), func(t *testing.T, _ setup, sh *shop) { emptyAnswersCount(t, sh) })
}

func TestALoginBeforeAnErrorPageOfTheRouterKeepsItsCookie(t *testing.T) {
	eachOf(t, append(throughTheTracker(), pastTheTracker()...), func(t *testing.T, _ setup, sh *shop) { loginBeforeAnErrorPage(t, sh) })
}

func TestARouterAroundTheTrackerKeepsErrorPagesOutIfItIsInside(t *testing.T) {
	su := setup{name: "the tracker outside", handler: func(s site) http.Handler {
		h := s.returningRoutes()
		return s.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				http.Error(w, err.Error(), status(err))
			}
		}))
	}}
	errorPagesAreNoVisits(t, su.open(t))
}
