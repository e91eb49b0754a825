package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/oserror"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// keptSecret reads a secret from a file, or makes one and stores it there.
func keptSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if value := strings.TrimSpace(string(b)); len(value) >= 32 {
			return value, nil
		}
		return "", fmt.Errorf("DATA_DIR: %s is damaged: put it back, or delete it, which logs everybody out", path)
	}
	value := rand.Text() + rand.Text()
	if errors.Is(err, fs.ErrNotExist) {
		err = datadir.WritePrivate(path, []byte(value+"\n"))
	}
	if err != nil {
		return "", unusable(filepath.Dir(path), err)
	}
	return value, nil
}

// findDatabase refuses a DATA_DIR without a database, for commands that would
// otherwise make a new one there.
func (c *config) findDatabase() error {
	_, err := os.Stat(c.database())
	return c.databaseError(err)
}

// unusable says why DATA_DIR, or something in it, cannot be used.
func unusable(dir string, err error) error {
	return fmt.Errorf("DATA_DIR: %w", oserror.Dir(dir, err))
}

// databaseError says what is wrong with the database, and what to do.
func (c *config) databaseError(err error) error {
	_, link := os.Readlink(c.dataDir)
	_, there := os.Stat(c.dataDir)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) && link == nil && there != nil: // the link leads nowhere
		return unusable(c.dataDir, there)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("DATA_DIR: there is no database in %s yet: run footfall demo, or set DATA_DIR to the shop's, or MONGODB_URI", c.dataDir)
	case errors.Is(err, sqlitearchive.ErrNewer), errors.Is(err, sqlitearchive.ErrOlder):
		return fmt.Errorf("DATA_DIR: %w", err) // which says what to do
	case errors.Is(err, sqlitearchive.ErrDamaged):
		return fmt.Errorf("DATA_DIR: %w: %s", err, damagedRemedy)
	}
	if _, ofFile := oserror.Path(err); ofFile {
		return unusable(c.dataDir, err)
	}
	return fmt.Errorf("DATA_DIR: %w: run footfall doctor, which examines it", err)
}

// readError is databaseError for a command that reads reports, also from MongoDB.
func (c *config) readError(err error) error {
	if err == nil || c.shared.mongodbURI == "" {
		return c.databaseError(err)
	}
	return fmt.Errorf("MONGODB_URI: %w: check that it runs and can be reached from here", err)
}

// errInUse means that another process has the lock of DATA_DIR.
var errInUse = datadir.ErrInUse

// lockDataDir makes this process the only one that writes to DATA_DIR.
func lockDataDir(dir string) (*datadir.Lock, error) {
	lock, err := datadir.Take(dir)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	return lock, nil
}

// openDatabase opens the database for reading while a server may write to it.
func openDatabase(c *config) (*sqlitearchive.Archive, error) {
	return sqlitearchive.OpenReadOnly(c.database(), sqlitearchive.Options{SessionMaxAge: c.MaxAge})
}

// openReader is openDatabase for a command that needs the database.
func openReader(c *config) (*sqlitearchive.Archive, error) {
	a, err := openDatabase(c)
	if err != nil {
		return nil, c.databaseError(err)
	}
	return a, nil
}
