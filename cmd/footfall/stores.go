package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/mongoarchive"
	"github.com/footfall-go/footfall/redisstore"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
	"github.com/footfall-go/footfall/upstashstore"
)

// An archive is what a node writes to and what commands read.
type archive interface {
	store.Archive
	reports
}

// reports are what commands read.
type reports interface {
	report.Reader
	report.Source
}

// openHot opens the configured hot store, which need not answer yet.
func (c *config) openHot() (store.HotStore, io.Closer, error) {
	switch s := c.shared; {
	case s.redisURL != "":
		store, err := redisstore.Open(s.redisURL, redisstore.Options{Prefix: s.redisPrefix})
		if err != nil {
			return nil, nil, fmt.Errorf("REDIS_URL: %w", err)
		}
		return store, store, nil
	case s.upstashURL != "":
		store, err := upstashstore.Open(s.upstashURL, s.upstashToken, upstashstore.Options{Prefix: s.redisPrefix})
		if err != nil {
			return nil, nil, fmt.Errorf("UPSTASH_REDIS_REST_URL: %w", err)
		}
		return store, store, nil
	}
	return memstore.New(0), io.NopCloser(nil), nil
}

// openArchive opens the configured archive. A MongoDB server need not answer yet.
func (c *config) openArchive() (archive, error) {
	if c.shared.mongodbURI != "" {
		return c.openMongo()
	}
	a, err := sqlitearchive.Open(c.database(), sqlitearchive.Options{SessionMaxAge: c.MaxAge, SessionIdleTimeout: c.IdleTimeout})
	if err != nil {
		return nil, c.databaseError(err)
	}
	return a, nil
}

func (c *config) openMongo() (*mongoarchive.Archive, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := mongoarchive.Open(ctx, c.shared.mongodbURI, mongoarchive.Options{MaxAge: c.MaxAge, IdleTimeout: c.IdleTimeout})
	if err != nil {
		return nil, fmt.Errorf("MONGODB_URI: %w", err)
	}
	return a, nil
}

// openTracker starts a tracker on the configured stores. closeAll closes the
// tracker first and the stores after it.
func (c *config) openTracker() (t *footfall.Tracker, a archive, closeAll func(context.Context) error, err error) {
	hot, hotCloser, err := c.openHot()
	if err != nil {
		return nil, nil, nil, err
	}
	a, err = c.openArchive()
	if err != nil {
		return nil, nil, nil, errors.Join(err, hotCloser.Close())
	}
	c.Hot, c.Archive = hot, a
	if t, err = footfall.New(c.Config); err != nil {
		err = c.startError(err)
		return nil, nil, nil, errors.Join(err, a.Close(), hotCloser.Close())
	}
	return t, a, func(ctx context.Context) error {
		return errors.Join(t.Close(ctx), a.Close(), hotCloser.Close())
	}, nil
}

// startError says which setting an error of footfall.New is about.
func (c *config) startError(err error) error {
	_, ofFile := oserror.Path(err)
	switch {
	case errors.Is(err, sqlitearchive.ErrDamaged):
		return c.databaseError(err)
	case ofFile:
		return unusable(c.dataDirOf(c.JournalDir), err)
	}
	return err
}

// dataDirOf returns the directory that a journal belongs to.
func (c *config) dataDirOf(journal string) string {
	if journal == filepath.Join(c.dataDir, "journal") {
		return c.dataDir
	}
	return journal
}

// openReports opens the archive for a command that only reads.
func (c *config) openReports() (reports, io.Closer, error) {
	if c.shared.mongodbURI != "" {
		a, err := c.openMongo()
		if err != nil {
			return nil, nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), examineTimeout)
		defer cancel()
		if _, err := a.Now(ctx); err != nil {
			return nil, nil, errors.Join(c.readError(err), a.Close())
		}
		return a, a, nil
	}
	a, err := openReader(c)
	return a, a, err
}
