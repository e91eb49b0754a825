package restfront

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A Fault answers a request in the front's place; next is how the front would.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Inject gives faults to the next requests, one each, before the lasting one.
func (f *Front) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// InjectAlways gives a fault to every request from now on; nil ends that, and
// takes back what [Front.Inject] has given.
func (f *Front) InjectAlways(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = fault
	if fault == nil {
		f.faults = nil
	}
}

// RateLimited answers 429 with Retry-After in whole seconds, without it if that
// is zero.
func RateLimited(retryAfter time.Duration) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		}
		refuse(w, http.StatusTooManyRequests, "ERR too many requests")
	}
}

// Answer answers with a status and a body of a content type.
func Answer(status int, contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// Delay answers as usual, later.
func Delay(d time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-time.After(d):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// Cut closes the connection without an answer and without having done anything.
func Cut(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// CutAfter does what was asked and closes the connection without an answer.
func CutAfter(_ http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(&recorder{header: http.Header{}}, r)
	panic(http.ErrAbortHandler)
}

// Truncate answers half of the body under the length of the whole.
func Truncate(w http.ResponseWriter, r *http.Request, next http.Handler) {
	rec := serve(r, next)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
	w.Write(rec.body.Bytes()[:rec.body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Malformed answers half of the body as if it were the whole.
func Malformed(w http.ResponseWriter, r *http.Request, next http.Handler) {
	rec := serve(r, next)
	w.Header().Set("Content-Type", "application/json")
	w.Write(rec.body.Bytes()[:rec.body.Len()/2])
}

// Trickle answers as usual, but a byte at a time.
func Trickle(every time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := serve(r, next)
		w.Header().Set("Content-Type", "application/json")
		for _, b := range rec.body.Bytes() {
			w.Write([]byte{b})
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
		}
	}
}

// Huge answers a well-formed result of so many bytes.
func Huge(size int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"result":"`)
		part := bytes.Repeat([]byte{'A'}, 64<<10)
		for left := size; left > 0; left -= len(part) {
			if _, err := w.Write(part[:min(left, len(part))]); err != nil {
				return
			}
		}
		io.WriteString(w, `"}`)
	}
}

// A recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func serve(r *http.Request, next http.Handler) *recorder {
	rec := &recorder{header: http.Header{}}
	next.ServeHTTP(rec, r)
	return rec
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
