//go:build !linux && !darwin && !freebsd

package oserror

import "os"

func access(string, uint32) bool { return true } // it is not known

// Probe returns nil: it is not known.
func Probe(string) error { return nil }

func ownerOf(os.FileInfo) (uid int, known bool) { return 0, false }
