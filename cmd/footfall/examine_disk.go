package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/footfall-go/footfall/internal/oserror"
)

// leastSpace is how much room the disk of DATA_DIR should have.
const leastSpace = 1 << 30

// diskFindings examines the disk that DATA_DIR is on, and who owns what there.
func diskFindings(c *config) []finding {
	if _, err := os.Stat(c.dataDir); err != nil {
		return nil // dataDirFinding has said so
	}
	var findings []finding
	if free, known := freeSpace(c.dataDir); known {
		findings = append(findings, spaceFinding(free, c.JournalMaxBytes-c.backlogBytes()))
	}
	if f, found := ownersFinding(c.dataDir); found {
		findings = append(findings, f)
	}
	if f, found := journalDirFinding(c.JournalDir); found {
		findings = append(findings, f)
	}
	return findings
}

// spaceFinding judges how many bytes are free, if the journal may still grow by so
// many.
func spaceFinding(free, grows int64) finding {
	f := finding{Part: "disk", OK: true, Says: fmt.Sprintf("%s are free", mebibytes(free))}
	switch {
	case free < grows:
		f.OK, f.Says = false, f.Says+fmt.Sprintf(", and the journal may grow by %s while the archive is away", mebibytes(grows))
		f.Remedy = "make room, or lower JOURNAL_MAX_BYTES: on a full disk page views are not counted, and orders and logouts have 4 MiB, past which they answer 503"
	case free < leastSpace:
		f.OK, f.Says = false, f.Says+fmt.Sprintf(", less than %s", mebibytes(leastSpace))
		f.Remedy = "make room: on a full disk page views are not counted, and orders and logouts have 4 MiB, past which they answer 503"
	}
	return f
}

func mebibytes(n int64) string { return strconv.FormatInt(max(n, 0)>>20, 10) + " MiB" }

// maxExamined is how many files are looked at: a journal has few.
const maxExamined = 10_000

// ownersFinding looks for files that belong to another user than DATA_DIR does: the
// server may not be able to open them.
func ownersFinding(dir string) (f finding, found bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return f, false
	}
	owner, known := ownerOf(info)
	if !known {
		return f, false
	}
	var first string
	others, looked := 0, 0
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if looked++; looked > maxExamined {
			return filepath.SkipAll
		}
		if err != nil {
			return nil // what cannot be read is another finding
		}
		info, err := entry.Info()
		if err != nil {
			return nil // deleted meanwhile
		}
		if uid, _ := ownerOf(info); uid != owner {
			if others++; first == "" {
				first = fmt.Sprintf("%s belongs to %s", path, userName(uid))
			}
		}
		return nil
	})
	if others == 0 {
		return f, false
	}
	if others > 1 {
		first += fmt.Sprintf(" (and %d more files to others)", others-1)
	}
	return finding{
		Part: "owner", Says: fmt.Sprintf("%s, and DATA_DIR to %s", first, userName(owner)),
		Remedy: fmt.Sprintf("chown -R %s %s, and run footfall as that user", userName(owner), dir),
	}, true
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// journalDirFinding finds out whether the journal can create files.
func journalDirFinding(dir string) (f finding, found bool) {
	info, err := os.Stat(dir)
	if os.IsNotExist(err) { // the next start creates it
		return f, false
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".doctor-*"); err == nil {
			_ = probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err == nil {
		return f, false
	}
	f = finding{Part: "journal"}
	f.explain(oserror.Dir(filepath.Dir(dir), err), "")
	return f, true
}
