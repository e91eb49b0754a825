//go:build !unix

package datadir

func giveToOwnerOf(string, string) {}
