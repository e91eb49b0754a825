// Package geoip finds the country and the city of an address in a database in the MaxMind
// DB format. It owns what the fields of such databases are called: those of MaxMind
// (GeoLite2, GeoIP2, and DB-IP in that form), and the flat ones of ip-location-db and
// IPinfo. It promises texts that can be stored, and an empty one for what is not known. It
// never asks the network.
//
// A shop that wants countries opens a database and sets Config.Locate to [DB.Locate]:
//
//	db, err := geoip.Open("dbip-city.mmdb")
//	…
//	tracker, err := footfall.New(footfall.Config{Locate: db.Locate, …})
//
// A city is an approximation: providers of such databases agree on less than two thirds
// of them.
package geoip

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/footfall-go/footfall/enrich"
)

// DB is a database. It is safe for concurrent use.
type DB struct {
	reader *maxminddb.Reader
}

// maxText is the longest name of a city, in bytes, that is returned.
const maxText = 64

// Open reads a database into memory. The file may be replaced or written to afterwards;
// that changes nothing until it is opened again.
func Open(file string) (*DB, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("geoip: %w", err)
	}
	return Read(data)
}

// Read is [Open] for a database that is in memory already.
func Read(data []byte) (*DB, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("geoip: it is no MaxMind DB: %w", err)
	}
	return &DB{reader}, nil
}

// Type is what the database calls itself, like GeoLite2-City.
func (db *DB) Type() string { return enrich.Text(db.reader.Metadata.DatabaseType, maxText) }

// The paths to a country's code and a city's name, in the order in which they are tried.
var (
	countryPaths = [...][]any{{"country", "iso_code"}, {"country_code"}, {"country"}}
	cityPaths    = [...][]any{{"city", "names", "en"}, {"city"}, {"city_name"}}
)

// Locate returns the ISO 3166 code of an address's country (FR), and the English name of
// its city (Paris), each empty if the database does not have it.
func (db *DB) Locate(addr netip.Addr) (country, city string) {
	if !addr.IsValid() {
		return "", ""
	}
	found := db.reader.Lookup(addr.Unmap().WithZone(""))
	if !found.Found() {
		return "", ""
	}
	for _, path := range countryPaths {
		if code := text(found, path); isCountry(code) {
			country = code
			break
		}
	}
	for _, path := range cityPaths {
		if city = text(found, path); city != "" {
			break
		}
	}
	return country, city
}

// text returns the text at a path, "" if there is none: then the database has another
// schema.
func text(found maxminddb.Result, path []any) string {
	var value string
	if err := found.DecodePath(&value, path...); err != nil {
		return ""
	}
	return enrich.Text(value, maxText)
}

// isCountry reports whether a text is a code of two capitals.
func isCountry(code string) bool {
	return len(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z'
}
