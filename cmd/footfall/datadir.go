package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

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
		err = writePrivate(path, []byte(value+"\n"))
	}
	if err != nil {
		return "", fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	return value, nil
}

// writePrivate writes a file atomically, readable by its owner only.
func writePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// findDatabase refuses a DATA_DIR without a database, for commands that would
// otherwise make a new one there.
func (c *config) findDatabase() error {
	if _, err := os.Stat(c.database()); err != nil {
		return fmt.Errorf("DATA_DIR: there is no database in %s: set DATA_DIR to the shop's, or MONGODB_URI", c.dataDir)
	}
	return nil
}

var errInUse = errors.New("in use by a running footfall: stop that one, or use another DATA_DIR")

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// lockDataDir makes this process the only one that writes to DATA_DIR.
func lockDataDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	_, missing := os.Stat(lockPath(dir))
	lock := flock.New(lockPath(dir))
	ok, err := lock.TryLock()
	if missing != nil && err == nil {
		giveToOwnerOf(dir, lockPath(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w: make it writable or set another", err)
	}
	if !ok {
		return nil, fmt.Errorf("DATA_DIR: %s is %w", dir, errInUse)
	}
	return lock, nil
}

// A door tells commands how to reach the running server. It is a file in DATA_DIR
// that only its owner can read.
type door struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`

	// The server's lifetimes and time zone. Commands that read use them unless
	// their own settings say otherwise.
	SessionTTL    string `json:"sessionTtl"`
	SessionMaxAge string `json:"sessionMaxAge"`
	Timezone      string `json:"timezone"`
}

func doorPath(dir string) string { return filepath.Join(dir, "admin.json") }

func (d door) write(dir string) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return writePrivate(doorPath(dir), append(b, '\n'))
}

func readDoor(dir string) (d door, err error) {
	b, err := os.ReadFile(doorPath(dir))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(b, &d)
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
