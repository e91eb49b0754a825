package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// A front sends requests to the processes of a shop in turn. Like any load
// balancer, it passes over a process that refuses the connection, but never sends
// a request a second time.
type front struct {
	*httptest.Server
	turn atomic.Uint64
}

func newFront(processes []*process) *front {
	f := &front{}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		first := f.turn.Add(1)
		for i := range processes {
			to := processes[(first+uint64(i))%uint64(len(processes))]
			resp, err := forward(r.Context(), transport, r, to.addr, body)
			if neverSent(err) {
				continue
			}
			if err != nil {
				panic(http.ErrAbortHandler) // nobody knows whether the request took effect
			}
			pass(w, resp)
			return
		}
		w.WriteHeader(http.StatusBadGateway) // no process accepted the connection
	}))
	return f
}

func forward(ctx context.Context, transport *http.Transport, r *http.Request, addr string, body []byte) (*http.Response, error) {
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.RequestURI, out.Close = "http", addr, "", false
	out.Body, out.ContentLength, out.GetBody = nil, int64(len(body)), nil
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	return transport.RoundTrip(out)
}

func pass(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body)
}

// neverSent reports whether a connection could not be made, so that nothing of
// the request was sent.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
