// Package restfront speaks the Upstash Redis REST protocol before a Redis
// server, so that clients of that protocol can be tested without the service.
// The tests hold it against the service's own npm client.
package restfront

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxRequest is the size of a request's body that the service accepts on its
// common plans.
const MaxRequest = 10 << 20

// A Front is the handler. Its zero value is not usable; see [New].
type Front struct {
	token string
	redis pool

	requests, commands atomic.Int64

	mu     sync.Mutex
	paths  map[string]int64
	faults []Fault
	always Fault
}

// New makes a front before the Redis server at an address (host:port) that asks
// for a token.
func New(address, token string) *Front {
	return &Front{token: token, redis: pool{address: address}, paths: map[string]int64{}}
}

// Close closes the connections to the Redis server.
func (f *Front) Close() { f.redis.close() }

// Requests counts the requests that came, refused ones too.
func (f *Front) Requests() int64 { return f.requests.Load() }

// Commands counts the commands that were given to the Redis server.
func (f *Front) Commands() int64 { return f.commands.Load() }

// RequestsTo counts the requests that came for a path, such as /pipeline.
func (f *Front) RequestsTo(path string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paths[path]
}

// ServeHTTP implements [http.Handler].
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	f.mu.Lock()
	f.paths[r.URL.Path]++
	fault := f.always
	if len(f.faults) > 0 {
		fault, f.faults = f.faults[0], f.faults[1:]
	}
	f.mu.Unlock()
	if fault != nil {
		// Only after the body has been read does net/http see that a client left.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		fault(w, r, http.HandlerFunc(f.serve))
		return
	}
	f.serve(w, r)
}

func (f *Front) serve(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodHead, http.MethodGet, http.MethodPost, http.MethodPut:
	default:
		refuse(w, http.StatusMethodNotAllowed, "ERR method not allowed")
		return
	}
	if !f.authorized(r) {
		refuse(w, http.StatusUnauthorized, "WRONGPASS invalid or missing auth token")
		return
	}
	if format := r.Header.Get("Upstash-Response-Format"); format != "" && format != "json" {
		refuse(w, http.StatusBadRequest, "ERR this front answers in JSON only")
		return
	}
	e := encoder{base64: strings.EqualFold(r.Header.Get("Upstash-Encoding"), "base64")}
	// The service's token is opaque too; it only has to change and to come back.
	w.Header().Set("Upstash-Sync-Token", "front-"+strconv.FormatInt(f.requests.Load(), 10))

	body, err := readBody(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	switch r.URL.Path {
	case "", "/":
		command, err := parseCommand(body)
		f.one(w, r, e, command, err)
	case "/pipeline":
		f.pipeline(w, r, e, body)
	case "/multi-exec":
		f.transaction(w, r, e, body)
	default:
		command, err := pathCommand(r.URL, r.Method, body)
		f.one(w, r, e, command, err)
	}
}

func (f *Front) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = r.URL.Query().Get("_token")
	}
	return token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(f.token)) == 1
}

func (f *Front) one(w http.ResponseWriter, r *http.Request, e encoder, command []string, err error) {
	if err == nil {
		err = permitted(command)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	f.commands.Add(1)
	replies, err := f.redis.do(r.Context(), [][]string{command})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ERR internal error: "+err.Error())
		return
	}
	status := http.StatusOK
	if _, failed := replies[0].(respError); failed {
		status = http.StatusBadRequest
	}
	answer(w, status, e.item(replies[0]))
}

// pipeline gives its commands to the server in order, but not as one: an item
// that fails is an error in its place only.
func (f *Front) pipeline(w http.ResponseWriter, r *http.Request, e encoder, body []byte) {
	commands, err := parseCommands(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	items := make([]item, len(commands))
	var allowed [][]string
	var places []int
	for i, c := range commands {
		if err := permitted(c); err != nil {
			items[i] = item{Error: err.Error()}
			continue
		}
		allowed, places = append(allowed, c), append(places, i)
	}
	f.commands.Add(int64(len(allowed)))
	replies, err := f.redis.do(r.Context(), allowed)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ERR internal error: "+err.Error())
		return
	}
	for i, place := range places {
		items[place] = e.item(replies[i])
	}
	answer(w, http.StatusOK, items)
}

// transaction is refused as a whole if a command cannot be queued; one that
// fails when it runs is an error in its place, as in Redis.
func (f *Front) transaction(w http.ResponseWriter, r *http.Request, e encoder, body []byte) {
	commands, err := parseCommands(body)
	for _, c := range commands {
		if err == nil {
			err = permitted(c)
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	f.commands.Add(int64(len(commands)))
	all := append([][]string{{"MULTI"}}, commands...)
	replies, err := f.redis.do(r.Context(), append(all, []string{"EXEC"}))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ERR internal error: "+err.Error())
		return
	}
	results, ok := replies[len(replies)-1].([]any)
	if !ok {
		refuse(w, http.StatusBadRequest, fmt.Sprint(replies[len(replies)-1]))
		return
	}
	items := make([]item, len(results))
	for i, result := range results {
		items[i] = e.item(result)
	}
	answer(w, http.StatusOK, items)
}

// permitted refuses what would leave a shared connection in another state, or
// never answer: the service has none of these over REST either.
func permitted(command []string) error {
	switch name := strings.ToUpper(command[0]); name {
	case "AUTH", "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "CLIENT", "DISCARD", "EXEC", "HELLO", "MONITOR",
		"MULTI", "PSUBSCRIBE", "QUIT", "RESET", "SELECT", "SHUTDOWN", "SSUBSCRIBE", "SUBSCRIBE", "SYNC", "PSYNC", "UNWATCH", "WAIT", "WATCH":
		return fmt.Errorf("ERR Command is not available: '%s'", name)
	}
	return nil
}

// pathCommand is the command of a URL like /set/key/value/EX/100. A body comes
// after the path's arguments, and the query's after that.
func pathCommand(u *url.URL, method string, body []byte) ([]string, error) {
	var command []string
	for _, part := range strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/") {
		arg, err := url.PathUnescape(part)
		if err != nil {
			return nil, errors.New("ERR failed to parse command")
		}
		command = append(command, arg)
	}
	if len(body) > 0 && (method == http.MethodPost || method == http.MethodPut) {
		command = append(command, string(body))
	}
	for _, pair := range strings.Split(u.RawQuery, "&") { // in their order, which url.Values loses
		name, value, given := strings.Cut(pair, "=")
		if name == "" || name == "_token" {
			continue
		}
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			return nil, errors.New("ERR failed to parse command")
		}
		command = append(command, name)
		if given && value != "" {
			command = append(command, value)
		}
	}
	if command[0] == "" {
		return nil, errors.New("ERR empty command")
	}
	return command, nil
}
