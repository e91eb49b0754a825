package upstashstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	// maxResponse holds a record of the greatest size that the service takes (10
	// MiB) in base64.
	maxResponse = 16 << 20
	maxRefusal  = 64 << 10 // of what comes with another status
	maxConns    = 256
	maxIdle     = 64
)

// A client speaks the REST protocol. It does not try again.
type client struct {
	http     http.Client
	base     *url.URL
	token    string
	sync     syncToken
	failed   atomic.Bool
	connects atomic.Uint64
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns:        maxIdle,
		MaxIdleConnsPerHost: maxIdle,
		MaxConnsPerHost:     maxConns,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
		// All requests share one HTTP/2 connection: one that died silently must be
		// found out sooner than by TCP.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 2 * time.Second},
	}
}

// A command is one in JSON. It is made before it joins a pipeline, so that one
// which cannot be written fails alone.
type command struct {
	json []byte
	// reads and repeatable: a second execution leaves and answers the same.
	reads, repeatable bool
}

func newCommand(args ...string) (command, error) {
	for _, arg := range args {
		if !utf8.ValidString(arg) {
			return command{}, errors.New("JSON can carry only UTF-8")
		}
	}
	b, err := json.Marshal(args)
	return command{json: b}, err
}

// one runs a command. The error is that of the request, or the command's.
func (c *client) one(ctx context.Context, cmd command) (any, error) {
	body, err := c.post(ctx, "/", cmd.json, cmd.reads, cmd.repeatable)
	if err != nil {
		return nil, err
	}
	r := decodeReply(body)
	return r.value, c.explain(r.err)
}

// pipeline runs commands in order in one request, all of which may be repeated.
func (c *client) pipeline(ctx context.Context, commands []command) ([]reply, error) {
	parts := make([][]byte, len(commands))
	for i := range commands {
		parts[i] = commands[i].json
	}
	body, err := c.post(ctx, "/pipeline", append(append([]byte{'['}, bytes.Join(parts, []byte{','})...), ']'), false, true)
	if err != nil {
		return nil, err
	}
	replies, err := decodeReplies(body, len(commands))
	for i := range replies {
		replies[i].err = c.explain(replies[i].err)
	}
	return replies, err
}

func (c *client) post(ctx context.Context, path string, body []byte, reads, repeatable bool) ([]byte, error) {
	answer, err := c.roundTrip(ctx, path, body, reads, repeatable)
	var status statusError
	var refused commandError
	switch {
	case err == nil || errors.As(err, &refused) || errors.As(err, &status) && status.code < 500:
		if c.failed.CompareAndSwap(true, false) || c.connects.Load() == 0 {
			c.connects.Add(1)
		}
	case !errors.Is(err, context.Canceled):
		c.failed.Store(true)
	}
	return answer, err
}

func (c *client) roundTrip(ctx context.Context, path string, body []byte, reads, repeatable bool) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request could not be made")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Upstash-Encoding", "base64")
	token, taken := c.sync.get()
	if token != "" {
		req.Header.Set(syncHeader, token)
	}
	if repeatable {
		// An empty key is not sent. It lets net/http send the request once more when
		// the server had just closed the kept connection that it chose.
		req.Header["Idempotency-Key"] = []string{}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.scrub(withoutURL(ctx, err))
	}
	defer res.Body.Close()
	limit := int64(maxResponse)
	if res.StatusCode != http.StatusOK {
		limit = maxRefusal
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, c.refusal(res, answer)
	case err != nil:
		return nil, c.scrub(fmt.Errorf("the answer broke off: %w", withoutURL(ctx, err)))
	case int64(len(answer)) > limit:
		return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	c.sync.note(res.Header.Get(syncHeader), taken, !reads)
	return answer, nil
}

// withoutURL is the cause of an error of [http.Client]. A deadline that has
// passed is that, whatever the transport calls it.
func withoutURL(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

const syncHeader = "Upstash-Sync-Token"

// A syncToken is how far this process has seen the database. Sent along, it keeps
// a replica from answering with less. Tokens cannot be compared: that of a write
// is taken in any case, that of a reading only if none came since it was sent.
type syncToken struct {
	mu    sync.Mutex
	value string
	taken uint64
}

func (s *syncToken) get() (string, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.taken
}

func (s *syncToken) note(value string, taken uint64, wrote bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value != "" && len(value) <= 1024 && (wrote || taken == s.taken) {
		s.value = value
		s.taken++
	}
}

// scrub takes the token out of an error that repeats it.
func (c *client) scrub(err error) error {
	if err != nil && strings.Contains(err.Error(), c.token) {
		return errors.New(strings.ReplaceAll(err.Error(), c.token, "[token]"))
	}
	return err
}
