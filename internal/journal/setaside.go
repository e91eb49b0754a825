package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	asideName     = "set-aside"
	recordsName   = "records.jsonl"
	damagedSuffix = ".damaged"
)

func (j *Journal) asideDir() string { return filepath.Join(j.dir, asideName) }

func (j *Journal) makeAsideDir() error {
	if err := os.Mkdir(j.asideDir(), 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return j.fs.syncDir(j.dir)
}

// asideRecord is a line of set-aside/records.jsonl. Record holds the record if it
// is UTF-8, otherwise Base64 does. The checksum (CRC-32C, hex) is that of the
// record's bytes.
type asideRecord struct {
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
	CRC32C string    `json:"crc32c"`
	Record *string   `json:"record,omitempty"`
	Base64 []byte    `json:"base64,omitempty"`
}

// SetAside keeps a record that the archive permanently refuses, and the reason,
// so that the consumer can call Done for it. It appends a line of JSON to
// set-aside/records.jsonl in the directory, which is fsynced when SetAside
// returns nil. The file is not counted against the cap. [Journal.EachSetAside] reads it
// and [Journal.RetrySetAside] empties it; nothing else does.
func (j *Journal) SetAside(record []byte, reason string) error {
	line := asideRecord{Time: time.Now().UTC(), Reason: reason, CRC32C: fmt.Sprintf("%08x", checksum(record))}
	if utf8.Valid(record) {
		s := string(record)
		line.Record = &s
	} else {
		line.Base64 = record
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return fmt.Errorf("journal: set aside: %w", err)
	}

	j.asideMu.Lock()
	defer j.asideMu.Unlock()
	j.mu.Lock()
	closed := j.closed
	j.mu.Unlock()
	if closed {
		return ErrClosed
	}
	err := j.writeAside(buf.Bytes())
	if err != nil {
		if j.aside != nil {
			_ = j.aside.Close()
			j.aside = nil // the next call opens the file again and ends the torn line
		}
		return fmt.Errorf("journal: set aside: %w", err)
	}
	j.mu.Lock()
	j.n.setAside++
	j.mu.Unlock()
	return nil
}

// EachSetAside calls do with each record that was set aside, oldest first. Lines that
// are damaged are left out.
func (j *Journal) EachSetAside(do func(record []byte)) error {
	j.asideMu.Lock()
	defer j.asideMu.Unlock()
	return j.eachSetAside(do)
}

func (j *Journal) eachSetAside(do func(record []byte)) error {
	f, err := os.Open(filepath.Join(j.asideDir(), recordsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("journal: what was set aside: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewReader(f); ; {
		text, err := lines.ReadBytes('\n')
		var line asideRecord
		if err == nil && json.Unmarshal(text, &line) == nil {
			record := line.Base64
			if line.Record != nil {
				record = []byte(*line.Record)
			}
			if fmt.Sprintf("%08x", checksum(record)) == line.CRC32C {
				do(record)
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("journal: what was set aside: %w", err)
		}
	}
}

// RetrySetAside commits all records that were set aside again, so that Next hands them
// out, and empties the file. It returns how many there were. After a crash in between
// they are in both places, and the consumer gets them twice.
func (j *Journal) RetrySetAside() (n int, err error) {
	j.asideMu.Lock()
	defer j.asideMu.Unlock()
	if err := j.eachSetAside(func(record []byte) {
		if err == nil {
			_, err = j.Commit(record)
			n++
		}
	}); err != nil {
		return 0, err
	}
	if err != nil || n == 0 {
		return 0, err
	}
	if j.aside != nil {
		_ = j.aside.Close()
		j.aside = nil
	}
	if err := os.Remove(filepath.Join(j.asideDir(), recordsName)); err != nil {
		return 0, fmt.Errorf("journal: what was set aside: %w", err)
	}
	j.mu.Lock()
	j.n.setAside = 0
	j.mu.Unlock()
	return n, j.fs.syncDir(j.asideDir())
}

func (j *Journal) writeAside(line []byte) error {
	if j.aside == nil {
		if err := j.makeAsideDir(); err != nil {
			return err
		}
		name := filepath.Join(j.asideDir(), recordsName)
		_, torn, err := countLines(name)
		if err != nil {
			return err
		}
		if torn {
			line = append([]byte{'\n'}, line...)
		}
		if j.aside, err = j.fs.appendTo(name); err != nil {
			j.aside = nil
			return err
		}
		if err := j.fs.syncDir(j.asideDir()); err != nil {
			return err
		}
	}
	if n, err := j.aside.Write(line); err != nil || n < len(line) {
		return errors.Join(err, io.ErrShortWrite)
	}
	return j.aside.Sync()
}

// countLines counts the lines of a file, 0 if there is no file, and reports
// whether the last line is incomplete.
func countLines(name string) (lines int, torn bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	defer f.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := f.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if n > 0 {
			torn = buf[n-1] != '\n'
		}
		if err == io.EOF {
			return lines, torn, nil
		} else if err != nil {
			return lines, torn, err
		}
	}
}

type span struct{ from, to int64 }

// setAsideDamage counts damaged parts of a segment, logs them once and copies
// them to set-aside/<segment>.damaged. Each part begins with a line that tells
// where it was. A part that is all zeros holds nothing and is only counted. If
// the copy fails, the whole segment is kept.
func (j *Journal) setAsideDamage(s *segment, src io.ReaderAt, damage []span, readErr error) {
	var total int64
	var buf bytes.Buffer
	for _, d := range damage {
		total += d.to - d.from
	}
	err := readErr
	for _, d := range damage {
		if err != nil {
			break
		}
		var raw []byte
		if raw, err = io.ReadAll(io.NewSectionReader(src, d.from, d.to-d.from)); err == nil && len(bytes.Trim(raw, "\x00")) > 0 {
			fmt.Fprintf(&buf, "%s offset %d, %d bytes:\n%s\n", s.name, d.from, len(raw), raw)
		}
	}
	name := filepath.Join(j.asideDir(), strings.TrimSuffix(s.name, segmentSuffix)+damagedSuffix)
	if err == nil && buf.Len() > 0 {
		err = j.appendDamage(name, buf.Bytes())
	}
	j.mu.Lock()
	j.n.damagedBytes += total
	if !s.damaged {
		s.damaged = true
		j.n.damagedSegments++
	}
	s.keep = s.keep || err != nil
	j.mu.Unlock()
	j.log.Warn("journal: damaged bytes in a segment; they are set aside and everything else is used",
		"segment", j.path(s), "bytes", total, "first_offset", damage[0].from, "error", err)
}

func (j *Journal) appendDamage(name string, text []byte) error {
	if err := j.makeAsideDir(); err != nil {
		return err
	}
	f, err := j.fs.appendTo(name)
	if err != nil {
		return err
	}
	n, err := f.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	return errors.Join(err, f.Sync(), f.Close(), j.fs.syncDir(j.asideDir()))
}

// giveUp counts bytes that cannot be read from the disk.
func (j *Journal) giveUp(s *segment, n int64, err error) {
	j.setAsideDamage(s, nil, []span{{0, n}}, err)
}
