package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/footfall-go/footfall/internal/datadir"
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
		return "", fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	return value, nil
}

// findDatabase refuses a DATA_DIR without a database, for commands that would
// otherwise make a new one there.
func (c *config) findDatabase() error {
	if _, err := os.Stat(c.database()); err != nil {
		return fmt.Errorf("DATA_DIR: there is no database in %s: set DATA_DIR to the shop's, or MONGODB_URI", c.dataDir)
	}
	return nil
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
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("DATA_DIR: there is no database in %s yet: run footfall demo, or set DATA_DIR", c.dataDir)
	case err != nil:
		return nil, fmt.Errorf("DATA_DIR: %w: restore it from a backup, or use another", err)
	}
	return a, nil
}
