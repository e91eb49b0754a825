package redisstore

import (
	"fmt"
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

func TestStore_PrintedShowsNoPassword(t *testing.T) {
	s, err := Open("redis+sentinel://user:s3cret@127.0.0.1:1/name", Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close() // so that nothing of it changes while it is printed
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "s3cret") || strings.Contains(text, "733363726574") {
			t.Errorf("a store printed with %s shows its password: %s", verb, text)
		}
	}
}
