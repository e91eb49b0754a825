//go:build !unix

package sqlitearchive

// likeOwnerOf does nothing: a new file gets the rights of its directory.
func likeOwnerOf(string, string) {}
