package testserver

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestMongoDB(t *testing.T) {
	s := MongoDB(t)
	dial := func() error {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URI(), "mongodb://"), time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := dial(); err != nil || s.PID() == 0 {
		t.Errorf("after Start: %v, process %d", err, s.PID())
	}
	uri := s.URI()
	s.Stop()
	if err := dial(); err == nil || s.PID() != 0 {
		t.Errorf("after Stop: something answers, process %d", s.PID())
	}
	s.Start()
	s.Freeze()
	s.Thaw()
	if err := dial(); err != nil || s.URI() != uri {
		t.Errorf("after Start: %v, at %s, before at %s", err, s.URI(), uri)
	}
}
