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

// A Script runs on one key and returns 1 or 0.
type Script struct {
	Source string
	Digest string // the name of the script for EVALSHA
}

// The scripts need Redis 6. Besides EVAL and EVALSHA, the user needs GET, SET,
// DEL, PTTL and PEXPIRE.
var (
	// Put takes the arguments of [PutArgs] and returns 1 if it stored the
	// document.
	Put = newScript(putLua)
	// Merge takes the arguments of [MergeArgs] and returns 1 if it merged the
	// activity.
	Merge = newScript(mergeLua)
)

func newScript(lua string) Script {
	source := recordLua + lua
	sum := sha1.Sum([]byte(source))
	return Script{source, hex.EncodeToString(sum[:])}
}
