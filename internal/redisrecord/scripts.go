package redisrecord

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
)

var (
	//go:embed record.lua
	recordLua string
	//go:embed put.lua
	putLua string
	//go:embed merge.lua
	mergeLua string
)

// A Script is run with one key and returns 1 or 0.
type Script struct {
	Source string
	Digest string // by which EVALSHA knows it
}

// The scripts need Redis 6, and of a user's commands GET, SET, DEL, PTTL and
// PEXPIRE.
var (
	// Put takes the arguments of [PutArgs] and returns whether it stored.
	Put = newScript(putLua)
	// Merge takes the arguments of [MergeArgs] and returns whether it merged.
	Merge = newScript(mergeLua)
)

func newScript(lua string) Script {
	source := recordLua + lua
	sum := sha1.Sum([]byte(source))
	return Script{source, hex.EncodeToString(sum[:])}
}
