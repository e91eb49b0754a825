package main

import (
	"cmp"

	"github.com/footfall-go/footfall/internal/datadir"
)

// reader holds the flags of commands that only read.
type reader struct {
	Settings `kong:"embed"`
	JSON     bool `name:"json" help:"Print JSON."`
}

// open compiles the settings and opens the archive for reading.
func (r *reader) open() (c *config, from reports, done func(), err error) {
	if c, err = r.compile("production"); err != nil {
		return nil, nil, nil, err
	}
	if in, err := datadir.Read(c.dataDir); err == nil {
		r.SessionTTL = cmp.Or(r.SessionTTL, in.SessionTTL)
		r.SessionMaxAge = cmp.Or(r.SessionMaxAge, in.SessionMaxAge)
		r.Timezone = cmp.Or(r.Timezone, in.Timezone)
		if c, err = r.compile("production"); err != nil {
			return nil, nil, nil, err
		}
	}
	from, closer, err := c.openReports()
	if err != nil {
		return nil, nil, nil, err
	}
	return c, from, func() { closer.Close() }, nil
}
