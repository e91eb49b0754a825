package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// copyOnWrite are the types of file systems, as statfs tells them, of which it is known
// that overwriting bytes of a file needs room, or not known that it does not.
var copyOnWrite = map[int64]string{
	0x9123683e: "btrfs", 0x2fc12fc1: "ZFS", 0xca451a4e: "bcachefs", 0xf2f52010: "F2FS", 0x3434: "NILFS",
	0x6969: "NFS", 0x517b: "SMB", 0xfe534d42: "SMB", 0xff534d42: "SMB", 0x65735546: "FUSE", 0x794c7630: "an overlay",
}

// inPlace returns an error unless the file system has allocated the reserve's blocks and
// overwrites them in place.
func inPlace(dir, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !isAllocated(info) {
		return errors.New("the file system of DATA_DIR does not allocate what is written to it (it compresses?)")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return err
	}
	if kind, found := copyOnWrite[int64(fs.Type)&0xffffffff]; found {
		return fmt.Errorf("the file system of DATA_DIR is %s, which does not promise that a file can be overwritten when it is full", kind)
	}
	return nil
}

// isAllocated reports whether a file has as many blocks as bytes.
func isAllocated(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Blocks*512 >= info.Size()
}
