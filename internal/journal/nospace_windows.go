package journal

import "syscall"

// ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL.
func init() { noSpace = append(noSpace, syscall.Errno(39), syscall.Errno(112)) }
