//go:build !linux

package faults

import (
	"errors"
	"testing"
)

func tmpfs(testing.TB, string, string) error {
	return errors.New("a disk that fills up needs Linux")
}
