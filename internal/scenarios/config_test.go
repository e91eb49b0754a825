package scenarios_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

func required(t *testing.T) footfall.Config {
	t.Helper()
	dir := t.TempDir()
	archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return footfall.Config{Secrets: []string{stage.Secret}, Hot: memstore.New(0), Archive: archive, JournalDir: filepath.Join(dir, "journal")}
}

func TestConfig_TheRequiredFieldsAreEnough(t *testing.T) {
	tracker, err := footfall.New(required(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tracker.Lifetimes(), (store.Lifetimes{Idle: 30 * time.Minute, Absolute: 24 * time.Hour}); got != want || tracker.Location() != time.UTC {
		t.Errorf("by default sessions live %+v and the day is that of %v, want %+v and UTC", got, tracker.Location(), want)
	}
	if s := tracker.Status(t.Context()); s.JournalMax != 1<<30 {
		t.Errorf("by default the journal may hold %d bytes, want 1 GiB", s.JournalMax)
	}
	if err := tracker.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestConfig_EachMistakeNamesItsField(t *testing.T) {
	if _, err := footfall.New(footfall.Config{}); err == nil {
		t.Error("a tracker starts without any settings")
	} else {
		for _, field := range []string{"Secrets", "Hot", "Archive", "JournalDir"} {
			if !strings.Contains(err.Error(), "footfall: Config."+field+": required") {
				t.Errorf("the error %q does not say that Config.%s is required", err, field)
			}
		}
	}
	for field, edit := range map[string]func(*footfall.Config){
		"JournalSync":       func(c *footfall.Config) { c.JournalSync = -time.Hour },
		"JournalMaxBytes":   func(c *footfall.Config) { c.JournalMaxBytes = -1 },
		"IdleTimeout":       func(c *footfall.Config) { c.IdleTimeout = -time.Second },
		"MaxAge":            func(c *footfall.Config) { c.MaxAge = -time.Second },
		"VisitorTTL":        func(c *footfall.Config) { c.VisitorTTL = -time.Second },
		"StoreTimeout":      func(c *footfall.Config) { c.StoreTimeout = -time.Second },
		"RetentionSessions": func(c *footfall.Config) { c.RetentionSessions = -time.Hour },
		"RetentionVisitors": func(c *footfall.Config) { c.RetentionVisitors = -time.Hour },
		"LiveSessions":      func(c *footfall.Config) { c.LiveSessions = -1 },
		"TrustedProxies":    func(c *footfall.Config) { c.TrustedProxies = []netip.Prefix{{}} },
	} {
		c := required(t)
		edit(&c)
		tracker, err := footfall.New(c)
		if err == nil {
			_ = tracker.Close(context.Background())
		}
		if err == nil || !strings.Contains(err.Error(), "footfall: Config."+field+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("a wrong %s gives %v, want one line that names the field", field, err)
		}
	}
}
