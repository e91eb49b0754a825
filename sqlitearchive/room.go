package sqlitearchive

import (
	"os"
)

// roomBytes is what the files beside the database take at least while it is open, and a
// little for what else a start writes.
const roomBytes = 128 << 10

func roomOf(path string) string { return path + "-room" }

// keepRoom makes a file beside a database that was closed, of the blocks that its
// write-ahead log and its shared memory had: the next Open takes it away, so that the
// database can be opened on a disk that is full by then. Without it nothing is lost.
func keepRoom(path string) {
	f, err := os.OpenFile(roomOf(path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	_, err = f.Write(make([]byte, roomBytes)) // written, because a file system may allocate nothing otherwise
	if closing := f.Close(); err != nil || closing != nil {
		_ = os.Remove(roomOf(path))
	}
}

// takeRoom gives the blocks of that file back to the disk.
func takeRoom(path string) { _ = os.Remove(roomOf(path)) }
