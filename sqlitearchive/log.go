package sqlitearchive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A LeftLog is the write-ahead log beside a database that no process has open. A
// process that was killed leaves one; the next that opens the database applies it.
type LeftLog struct {
	Bytes int64 // of transactions that the database file may not have; 0: there are none
	// Foreign says why the log seems to belong to another database; empty: it does
	// not seem so. SQLite does not notice: it applies any whole log.
	Foreign string
}

// changedLater is how much later than its log a database may have been changed:
// SQLite moves what the log holds into the database before it uses the log again,
// and after a loss of power the log's time may be a few seconds old.
const changedLater = 5 * time.Second

// InspectLog reads the write-ahead log beside the database at path. It must only be
// called while no process, this one included, has the database open.
func InspectLog(path string) (LeftLog, error) {
	left, err := inspectLog(path, changedLater)
	if err != nil {
		return left, fmt.Errorf("sqlitearchive: inspect the write-ahead log: %w", explain(path, err))
	}
	return left, nil
}

func inspectLog(path string, later time.Duration) (left LeftLog, err error) {
	log, err := os.Open(path + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		return left, nil
	}
	if err != nil {
		return left, err
	}
	defer log.Close()
	db, err := os.Open(path)
	if err != nil {
		return left, err
	}
	defer db.Close()
	pages, size, err := readLog(log)
	if err != nil || len(pages) == 0 {
		return left, err
	}
	left.Bytes = int64(len(pages)) * int64(size)
	header := make([]byte, 100)
	if _, err := io.ReadFull(db, header); err != nil {
		return left, err
	}
	if n := pageSize(uint32(binary.BigEndian.Uint16(header[16:]))); n != size {
		left.Foreign = fmt.Sprintf("its pages have %d bytes, and the database's %d", size, n)
		return left, nil
	}
	dbInfo, err := db.Stat()
	if err != nil {
		return left, err
	}
	logInfo, err := log.Stat()
	if err != nil {
		return left, err
	}
	changed, logged := changedAt(dbInfo), changedAt(logInfo)
	if changed.Sub(logged) <= later {
		return left, nil
	}
	same, err := holds(db, log, pages, size)
	if err == nil && !same {
		left.Foreign = fmt.Sprintf("the database was changed or put in place at %s, after its log was last written at %s", changed.UTC().Format(time.RFC3339), logged.UTC().Format(time.RFC3339))
	}
	return left, err
}

const (
	logHeader   = 32
	frameHeader = 24
)

// readLog returns where in a write-ahead log the latest committed version of each
// page is, and the size of a page. The format is described in
// https://www.sqlite.org/fileformat2.html#walformat.
func readLog(log io.ReaderAt) (pages map[uint32]int64, size int, err error) {
	header := make([]byte, logHeader)
	if _, err := log.ReadAt(header, 0); err != nil {
		if errors.Is(err, io.EOF) { // empty, or its first transaction was never finished
			return nil, 0, nil
		}
		return nil, 0, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	magic := binary.BigEndian.Uint32(header)
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	sum := checksum(order, [2]uint32{}, header[:24])
	if magic&^1 != 0x377f0682 || sum != sumAt(header[24:]) {
		return nil, 0, nil // SQLite does not apply it either
	}
	size = pageSize(binary.BigEndian.Uint32(header[8:]))
	if size < 512 || size > 65536 {
		return nil, 0, nil
	}
	pages = map[uint32]int64{}
	open := map[uint32]int64{} // of the transaction that is being read
	frame := make([]byte, frameHeader+size)
	for at := int64(logHeader); ; at += int64(len(frame)) {
		if _, err := log.ReadAt(frame, at); err != nil {
			if errors.Is(err, io.EOF) {
				return pages, size, nil
			}
			return nil, 0, err
		}
		sum = checksum(order, checksum(order, sum, frame[:8]), frame[frameHeader:])
		if !bytes.Equal(frame[8:16], header[16:24]) || sum != sumAt(frame[16:]) {
			return pages, size, nil // left over from before the log was last begun anew
		}
		open[binary.BigEndian.Uint32(frame)] = at + frameHeader
		if binary.BigEndian.Uint32(frame[4:]) == 0 {
			continue
		}
		for page, offset := range open { // a commit
			pages[page] = offset
		}
		clear(open)
	}
}

// holds reports whether a database file has all that a log holds.
func holds(db, log io.ReaderAt, pages map[uint32]int64, size int) (bool, error) {
	a, b := make([]byte, size), make([]byte, size)
	for page, offset := range pages {
		if _, err := log.ReadAt(a, offset); err != nil {
			return false, err
		}
		if _, err := db.ReadAt(b, (int64(page)-1)*int64(size)); err != nil {
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		if !bytes.Equal(a, b) {
			return false, nil
		}
	}
	return true, nil
}

// pageSize decodes a page size: 1 stands for 65536, which two bytes cannot hold.
func pageSize(n uint32) int {
	if n == 1 {
		return 65536
	}
	return int(n)
}

// checksum continues a checksum of SQLite's over bytes whose number is a multiple of
// eight.
func checksum(order binary.ByteOrder, sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += order.Uint32(b) + sum[1]
		sum[1] += order.Uint32(b[4:]) + sum[0]
	}
	return sum
}

func sumAt(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}
