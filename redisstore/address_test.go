package redisstore

import (
	"strings"
	"testing"
)

func TestOptions_ErrorsRepeatNothingOfTheAddress(t *testing.T) {
	for _, address := range []string{
		"s3cret", "s3cret://host", "redis://user:s3cret-pw", "redis://:s3cret", "redis://:s3cret?pw@host", "redis://host/s3cret", "redis://host:s3cret", "redis://u:p%zzs3cret@host",
		"redis+sentinel://host/", "rediss://host?ca=/s3cret", "rediss://host?ca=%zzs3cret", "redis://u:s3cret@", "redis://h1,h2/7",
	} {
		_, err := options(address)
		if err == nil {
			t.Errorf("%s is accepted", address)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error %q repeats a part of the address, which may be a password", address, err)
		}
	}
}
