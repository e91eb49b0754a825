package faults

import (
	"context"
	"path/filepath"
	"time"
)

// archiveLocked makes another process hold the database's lock for longer than a
// write waits for it.
var archiveLocked = fault{name: "archive locked by another process", open: localWorld, run: func(w *world, length time.Duration) error {
	release, err := lockSQLite(w.processes[0].dataDir)
	if err != nil {
		return err
	}
	time.Sleep(length)
	return release()
}}

// archiveFull is a full disk with only the archive on it. The journal is on
// another disk and stores everything.
var archiveFull = fault{name: "archive cannot be written (its disk is full)", open: splitWorld, run: func(w *world, length time.Duration) error {
	free, err := fill(filepath.Join(w.dir, "data"))
	if err != nil {
		return err
	}
	time.Sleep(length)
	return free()
}}

func lockSQLite(dataDir string) (release func() error, err error) {
	db, err := openSQLite(dataDir, "rw")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return func() error {
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		_ = conn.Close()
		_ = db.Close()
		return err
	}, nil
}
