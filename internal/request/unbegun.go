package request

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
)

// A handler that returns without having written anything may have answered 200 with
// nothing, or its framework writes the answer, an error page perhaps, when everything
// inside of it has returned. Which it is shows when the request ends. The cookies have
// to be in the header before that: they are put there for now, and taken out again if
// the answer turns out to be another.

// unbegunAnswers are requests whose handler has returned and whose answer nobody has
// begun. It is safe for concurrent use.
type unbegunAnswers struct {
	n         atomic.Int64 // of waiting, to be read without the lock
	unseen    *atomic.Uint64
	unawaited *atomic.Uint64

	mu      sync.Mutex
	waiting map[*Request]struct{}
	begun   map[uuid.UUID]*Request // of these, by the session that each would begin
}

func newUnbegunAnswers(counts *count.Set) *unbegunAnswers {
	return &unbegunAnswers{
		waiting: map[*Request]struct{}{}, begun: map[uuid.UUID]*Request{},
		unawaited: counts.Bound("answers_unawaited", "Answers that nobody had begun when the handler returned, and that were taken for 200 with nothing at once because too many were being waited for."),
		unseen:    counts.New("answers_unseen", "Answers that a framework wrote past the tracker's writer, so that their status is not known; they are no page views."),
	}
}

// returned is called when the handler has returned: the answer is known, or has
// to be waited for.
func (r *Request) returned(header http.Header) {
	if r.isFinished() {
		return
	}
	ctx := r.r.Context()
	if ctx.Err() != nil {
		r.Finish(clientGone, header, nil)
		return
	}
	// Only net/http's server is known to end a request's context when it has been
	// answered.
	if ctx.Done() == nil || ctx.Value(http.ServerContextKey) == nil || r.q.unbegun.isFull() {
		r.Finish(http.StatusOK, header, nil)
		return
	}
	r.setProvisional(header)
	r.q.unbegun.add(r)
	if r.given.ofServer {
		context.AfterFunc(ctx, func() { r.q.unbegun.end(r) })
		return
	}
	// Somebody further out may end the context, of a timeout say, and answer then.
	context.AfterFunc(ctx, func() { time.AfterFunc(settles, func() { r.q.unbegun.end(r) }) })
}

// maxUnbegun is how many answers are waited for at a time; further ones are taken for
// 200 with nothing at once.
const maxUnbegun = 10_000

// settles is how long an answer may take to begin, after a context ended that is not known
// to end with the request.
const settles = time.Second

// isOfServer reports whether a context is the one that net/http's server made for a
// request, perhaps with values: then it ends when the request has been answered, and not
// before. The server makes it of that of the connection, each with an end of its own; who
// derives another adds a third.
func isOfServer(ctx context.Context) bool {
	ends := 0
	for ctx.Value(http.LocalAddrContextKey) != nil {
		v := reflect.Indirect(reflect.ValueOf(ctx))
		if v.Kind() != reflect.Struct || v.Type().PkgPath() != "context" {
			return false
		}
		switch v.Type().Name() {
		case "valueCtx":
		case "cancelCtx":
			ends++
		default:
			return false
		}
		parent := v.FieldByName("Context")
		if !parent.IsValid() || !parent.CanInterface() {
			return false
		}
		var ok bool
		if ctx, ok = parent.Interface().(context.Context); !ok {
			return false
		}
	}
	return ends == 2
}

// isFull counts the answer that is not waited for if too many are.
func (u *unbegunAnswers) isFull() bool {
	if u.n.Load() < maxUnbegun {
		return false
	}
	u.unawaited.Add(1)
	return true
}

func (u *unbegunAnswers) add(r *Request) {
	u.n.Add(1)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting[r] = struct{}{}
	if r.given.session != uuid.Nil {
		u.begun[r.given.session] = r
	}
}

// end finishes a request that has ended, unless its answer came through the writer or
// that was done already.
func (u *unbegunAnswers) end(r *Request) {
	r.given.ending.Do(func() { // a second caller waits until the first has done it
		if !r.isFinished() {
			u.finish(r)
		}
		u.mu.Lock()
		delete(u.waiting, r)
		delete(u.begun, r.given.session)
		u.mu.Unlock()
		u.n.Add(-1)
	})
}

// finish finishes a request with the header that its answer of nothing had.
func (u *unbegunAnswers) finish(r *Request) {
	defer func() {
		if recover() != nil { // the shop's own rule: here nobody further out would recover, and the process end
			u.unseen.Add(1)
			r.Abandon()
		}
	}()
	status := http.StatusOK
	if r.wasAnsweredByOthers() || errors.Is(r.r.Context().Err(), context.DeadlineExceeded) {
		status = unseenStatus
		u.unseen.Add(1)
	}
	header := http.Header{}
	if types := r.given.after["Content-Type"]; len(types) > 0 {
		header["Content-Type"] = types
	}
	r.Finish(status, header, nil)
}

// endOf finishes the request that began a session, if its answer was nothing and its
// cookie is here already: another request has brought it.
func (u *unbegunAnswers) endOf(session uuid.UUID) {
	if u.n.Load() == 0 {
		return
	}
	u.mu.Lock()
	r := u.begun[session]
	u.mu.Unlock()
	if r != nil {
		u.end(r)
	}
}

// endAll finishes the requests that have ended.
func (u *unbegunAnswers) endAll() {
	u.mu.Lock()
	ended := make([]*Request, 0, len(u.waiting))
	for r := range u.waiting {
		if r.r.Context().Err() != nil {
			ended = append(ended, r)
		}
	}
	u.mu.Unlock()
	for _, r := range ended {
		u.end(r)
	}
}

// provisional is what an answer's header was given for now.
type provisional struct {
	header        http.Header
	before, after http.Header // it, as it was then
	ending        sync.Once
	session       uuid.UUID // that the request would begin, zero if none
	ofServer      bool      // the request's context ends when the request has
}

// setProvisional puts the cookies into a header that it needs if the answer is 200 with
// nothing.
func (r *Request) setProvisional(header http.Header) {
	_, visits := r.judge(http.StatusOK, answerType(header, nil), false)
	r.mu.Lock()
	if r.bot == "" && (r.err == nil || r.entry != nil) && r.mode != Untouched && visits {
		r.session(false)
	}
	given := &provisional{header: header, before: header.Clone(), ofServer: isOfServer(r.r.Context())}
	if r.began && r.entry != nil && !r.entry.IsAnnounced() {
		given.session = r.token.ID
	}
	r.mu.Unlock()
	r.renewOldCookie()
	r.setCookies(header, clock.Now())
	given.after = header.Clone()
	r.mu.Lock()
	r.given = given
	r.mu.Unlock()
}

// removeProvisional takes those cookies out of the header again, because the answer that
// begins now decides anew. It reports whether there were any: whether the handler had
// returned.
func (r *Request) removeProvisional(header http.Header) bool {
	r.mu.Lock()
	given := r.given
	r.mu.Unlock()
	if given == nil {
		return false
	}
	for name, after := range given.after {
		before, now := given.before[name], header[name]
		if slices.Equal(before, after) || len(now) < len(after) || !slices.Equal(now[:len(after)], after) {
			continue
		}
		if kept := append(slices.Clone(before), now[len(after):]...); len(kept) > 0 {
			header[name] = kept
		} else {
			delete(header, name)
		}
	}
	for name, before := range given.before {
		if _, kept := given.after[name]; !kept && header[name] == nil {
			header[name] = before
		}
	}
	return true
}

// wasAnsweredByOthers reports whether the header shows that somebody wrote an answer past
// the writer. Nobody writes to the header of a request over HTTP/1 that has ended; before
// that, reading it would race with who answers.
func (r *Request) wasAnsweredByOthers() bool {
	if r.r.ProtoMajor != 1 || !r.given.ofServer || r.r.Context().Err() == nil {
		return false
	}
	return r.given.header["Content-Type"] != nil && r.given.after["Content-Type"] == nil
}
