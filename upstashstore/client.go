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
	// maxResponse is enough for a record of the greatest size that the service
	// accepts (10 MiB) in base64.
	maxResponse = 16 << 20
	maxRefusal  = 64 << 10 // for answers with a status other than 200
	maxConns    = 256
	maxIdle     = 64
)

// A client speaks the REST protocol. It does not retry.
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
		// All requests share one HTTP/2 connection. If it stops answering, pings
		// detect that sooner than TCP does.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 2 * time.Second},
	}
}

// A command is encoded as JSON before it joins a pipeline. So a command that
// cannot be encoded fails alone.
type command struct {
	json []byte
	// reads and repeatable: running the command twice has the same effect and the
	// same answer as running it once.
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

// one runs a command. It returns the error of the request or of the command.
func (c *client) one(ctx context.Context, cmd command) (any, error) {
	body, err := c.post(ctx, "/", cmd.json, cmd.reads, cmd.repeatable)
	if err != nil {
		return nil, err
	}
	r := decodeReply(body)
	return r.value, c.explain(r.err)
}

// pipeline runs commands in order in one request. All of them must be repeatable.
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
		// A key with an empty value is not sent. It allows net/http to send the
		// request again if the server had just closed the idle connection that it
		// used.
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

// withoutURL returns the cause of an error of [http.Client]. If the context's
// deadline has passed, it returns context.DeadlineExceeded, whatever the
// transport's error is.
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

// A syncToken tells up to which write this process has seen the database. The
// service does not let a replica answer a request that carries it with older
// data. Tokens cannot be ordered: a write's token is always taken, a read's only
// if no other token arrived since the read was sent.
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

// scrub removes the token from an error that contains it.
func (c *client) scrub(err error) error {
	if err != nil && strings.Contains(err.Error(), c.token) {
		return errors.New(strings.ReplaceAll(err.Error(), c.token, "[token]"))
	}
	return err
}
