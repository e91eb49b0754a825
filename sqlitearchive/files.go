package sqlitearchive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// publish gives a file its name. Unless it may replace a file, it fails if there is
// one of that name.
func publish(file, name string, replace bool) error {
	if !replace {
		err := os.Link(file, name)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// The file system has no links.
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s: %w", name, fs.ErrExist)
		}
	}
	return os.Rename(file, name)
}

// syncFile flushes a file or a directory to the disk.
func syncFile(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	flag := os.O_RDWR
	if info.IsDir() {
		if runtime.GOOS == "windows" {
			return nil // on Windows a directory cannot be synced and need not be
		}
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeLog deletes the write-ahead log beside a database, and what belongs to it.
func removeLog(path string) error {
	return errors.Join(remove(path+"-wal"), remove(path+"-shm"))
}

// remove deletes a file if it is there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// keep gives a file another name beside the one that it has.
func keep(file, name string) error {
	err := os.Link(file, name)
	if err == nil || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrExist) {
		return err
	}
	return copyFile(file, name, io.Discard) // the file system has no links
}

// copyFile copies a file to a new one, which only its owner can read, and flushes
// it to the disk.
func copyFile(from, to string, progress io.Writer) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(out, progress), in)
	return errors.Join(err, out.Sync(), out.Close())
}

// A countingWriter reports how much has been written to it.
type countingWriter struct {
	done, total int64
	report      func(done, total int64)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.done += int64(len(p)); w.report != nil {
		w.report(w.done, w.total)
	}
	return len(p), nil
}

// quoteGlob returns a pattern that matches exactly a path.
func quoteGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
