package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/footfall-go/footfall/geoip"
)

const geoRemedy = "use the path of a database in the MaxMind DB format, or unset it"

// geoDatabase checks that the database of places is there. It is large: openGeo reads it,
// for who needs it.
func (c *compiler) geoDatabase(file string) {
	c.geoDB = c.value("GEOIP_DB", file, "")
	if c.geoDB == "" {
		return
	}
	info, err := os.Stat(c.geoDB)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.wrong("GEOIP_DB", "there is no file %q: %s", c.geoDB, geoRemedy)
	case err != nil:
		c.wrong("GEOIP_DB", "%v: %s", err, geoRemedy)
	case !info.Mode().IsRegular():
		c.wrong("GEOIP_DB", "%q is no file: %s", c.geoDB, geoRemedy)
	}
}

// openGeo reads the database of places, if there is one, and has sessions and enrich use
// it.
func (c *config) openGeo() (*geoip.DB, error) {
	if c.geoDB == "" {
		return nil, nil
	}
	db, err := geoip.Open(c.geoDB)
	if err != nil {
		return nil, fmt.Errorf("GEOIP_DB: %w: %s", err, geoRemedy)
	}
	c.Locate = db.Locate
	return db, nil
}

// geoFindings examines the database of places.
func geoFindings(c *config) []finding {
	if c.geoDB == "" {
		return nil
	}
	f := finding{Part: "GEOIP_DB", OK: true}
	if db, err := c.openGeo(); err != nil {
		f.explain(err, geoRemedy)
	} else {
		f.Says = fmt.Sprintf("%s has countries and cities of the database %q, as far as it knows them", c.geoDB, db.Type())
	}
	return []finding{f}
}
