package loginguard

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Store keeps documents, JSON objects, that the guards of several instances share. The
// methods Read and Put of a hot store of Footfall do, without what they say of a session's
// activity. Both return soon after ctx is done and are safe for concurrent use.
type Store interface {
	// Read returns a document and its version, or nil if there is none.
	Read(ctx context.Context, id string) (doc []byte, version int64, err error)

	// Put stores a document if the stored one has exactly the version previous; previous 0
	// means that none may be there. It reports whether it stored. The document is gone
	// after ttl; a ttl of zero or less removes it at once.
	Put(ctx context.Context, id string, doc []byte, previous, version int64, ttl time.Duration) (stored bool, err error)
}

// tries is how often a document is offered to the store. Each conflict means that another
// attempt was counted in the same document, and 11 of these begin a pause of the account;
// so an account's failures are counted within so many tries, whoever tries at once.
const tries = 16

// maxDocument is the length of a document from which on it cannot be one of the guard.
const maxDocument = 4 << 10

var (
	errForeign   = errors.New("loginguard: a document of the store was not written by a guard")
	errContended = errors.New("loginguard: others changed a document of the store again and again")
)

// shared are the documents in a store. It has no lock: whoever calls it holds none.
type shared struct {
	store  Store
	secret []byte
	wait   time.Duration
}

// A document is what the store had under an id.
type document struct {
	id      string
	body    []byte // empty if there is none
	version int64
}

// id is the name of a document. It says nothing of an account to whom the secret is
// unknown.
func (s *shared) id(kind string, k key) string { return "login-" + kind + "-" + s.digest(kind, k) }

func (s *shared) digest(kind string, k key) string {
	mac := hmac.New(sha256.New, s.secret)
	_, _ = fmt.Fprintf(mac, "footfall login guard: %s: %x", kind, k)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// within bounds all calls of the store that something waits for. A client that goes away
// does not end them, since others are to know of its attempt.
func (s *shared) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.wait)
}

func (s *shared) read(ctx context.Context, id string) (document, error) {
	body, version, err := s.store.Read(ctx, id)
	switch {
	case err != nil:
		return document{id: id}, err
	case body != nil && version == 0:
		return document{id: id}, errForeign
	case len(body) > maxDocument:
		body = nil
	}
	return document{id, body, version}, nil
}

// update replaces a document by what edit makes of it. If another guard replaced it
// meanwhile, update reads it again and calls edit again. An edit that returns false leaves
// the document as it is. now is the time since 1970.
func (s *shared) update(ctx context.Context, d document, edit func(body []byte, now time.Duration) (next []byte, ttl time.Duration, changed bool)) error {
	for range tries {
		now := time.Now()
		next, ttl, changed := edit(d.body, time.Duration(now.UnixNano()))
		if !changed || d.version == 0 && ttl <= 0 {
			return nil
		}
		// Microseconds, so that a document which is removed and made anew has another version.
		stored, err := s.store.Put(ctx, d.id, next, d.version, max(d.version+1, now.UnixMicro()), ttl)
		if err != nil || stored {
			return err
		}
		if d, err = s.read(ctx, d.id); err != nil {
			return err
		}
	}
	return errContended
}

// each calls f for 0 to n-1 at once, so that n documents cost as much time as one.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
