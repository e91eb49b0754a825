package scenarios_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 12.
func TestPrivacy_SecretsAreStoredHashed(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s := stage.New(t, func(c *footfall.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := stage.NewBrowser(t, s.Site())
	var secrets []string
	note := func() {
		value := strings.Split(strings.TrimPrefix(b.Cookie("session"), "s%3A"), ".")
		secrets = append(secrets, value[1])
	}
	b.Do("GET", "/")
	note()
	b.Do("POST", "/login/alice")
	note()
	id := stage.SessionOf(t, b)
	doc, _, _, err := s.Hot.Read(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.Do("POST", "/order/1")
	var stored bytes.Buffer
	stored.Write(doc)
	_ = s.Tracker.Close(context.Background())
	_ = filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			content, _ := os.ReadFile(path)
			stored.Write(content)
		}
		return nil
	})
	for _, secret := range secrets {
		if bytes.Contains(stored.Bytes(), []byte(secret)) || bytes.Contains(logged.Bytes(), []byte(secret)) {
			t.Error("a session's secret is in a store or in the log")
		}
	}
	if !bytes.Contains(stored.Bytes(), []byte(id)) {
		t.Error("the session's id is nowhere: this test looks in the wrong place")
	}
}

// Seed defect 18.
func TestPrivacy_TextIsCleaned(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Header.Set("User-Agent", stage.Firefox+"\x1b[31m\r\n\x00<script>")
	b.Header.Set("Referer", "https://evil.example/\x1b]0;owned\x07")
	b.Do("GET", "/?utm_source=%1b%5b31mred%00%0a")
	rec := s.Stored(stage.SessionOf(t, b))
	for _, text := range []string{rec.UserAgent, rec.Referrer, rec.UTMSource, rec.LandingPage} {
		if strings.ContainsAny(text, "\x00\x07\x1b\r\n") {
			t.Errorf("control characters were stored: %q", text)
		}
	}
}

// Seed defect 34.
func TestPrivacy_TextIsBoundedAndRedacted(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	long := strings.Repeat("x", 20_000)
	b.Header.Set("User-Agent", stage.Firefox+long)
	b.Header.Set("Referer", "https://news.example/"+long)
	b.Do("GET", "/reset?token=SECRET1&email=SECRET2&utm_source="+long)
	rec := s.Stored(stage.SessionOf(t, b))
	for name, text := range map[string]string{"userAgent": rec.UserAgent, "referrer": rec.Referrer, "utmSource": rec.UTMSource, "landingPage": rec.LandingPage} {
		if len(text) > 2048 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	events, err := s.SQLite.Events(context.Background(), rec.SessionID, 10)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if all := rec.LandingPage + events[0].Page; strings.Contains(all, "SECRET") {
		t.Errorf("a secret of the URL is stored: %s", all)
	}
	for _, metadata := range []string{`[]`, `{"a":` + strings.Repeat(`{"a":`, 9) + `1` + strings.Repeat(`}`, 10), `{"a":"` + long + `"}`, `{`} {
		h := s.Tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := s.Tracker.Track(r.Context(), footfall.EventInput{Type: "x", Metadata: []byte(metadata)}); err == nil {
				t.Errorf("the metadata %.40s was accepted", metadata)
			}
		}))
		stage.NewBrowser(t, h).Do("POST", "/")
	}
}

// Seed defect 35.
func TestPrivacy_MasksAndRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) {
			c.DisableJobs = false
			c.MaxAge, c.RetentionSessions, c.RetentionVisitors = time.Hour, 2*time.Hour, 2*time.Hour
		})
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		id := stage.SessionOf(t, b)
		if rec := s.Stored(id); rec.IPAddress != "203.0.113.0" {
			t.Errorf("the address is stored as %q: masked to /24", rec.IPAddress)
		}
		time.Sleep(3*time.Hour + time.Minute)
		if _, ok, err := s.SQLite.Session(context.Background(), id); ok || err != nil {
			t.Errorf("past its retention the session is there: %v, %v", ok, err)
		}
	})
}
