package store

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/footfall-go/footfall/internal/jsontext"
)

func texts(s *Session) []string {
	return []string{
		s.SessionID, s.VisitorID, s.CustomerID, s.OrderID, s.IPAddress, s.UserAgent, s.Country, s.City, s.Device, s.Browser, s.OS,
		s.LandingPage, s.Referrer, s.Channel, s.UTMSource, s.UTMMedium, s.UTMCampaign, s.UTMTerm, s.UTMContent,
	}
}

// worst is a session whose texts are one text, each as long as its own cap allows.
func worst(text string) Session {
	of := func(most int) string { return strings.Repeat(text, most/len(text)) }
	id := strings.Repeat("0", 36)
	return Session{
		SessionID: id, VisitorID: id, CustomerID: of(128), OrderID: of(128), IPAddress: of(45), UserAgent: of(512),
		Country: of(200), City: of(200), Device: of(200), Browser: of(200), OS: of(200), LandingPage: of(2048), Referrer: of(2048), Channel: of(64),
		UTMSource: of(256), UTMMedium: of(256), UTMCampaign: of(256), UTMTerm: of(256), UTMContent: of(256),
	}
}

func TestFit_AllOfASessionsTextsTogether(t *testing.T) {
	for _, text := range []string{"<", `"`, `\`, "a", "é", "🛒", "\u2028"} {
		s := worst(text)
		customer, order := s.CustomerID, s.OrderID
		if !s.Fit() {
			t.Errorf("texts of %q at their caps were not cut", text)
		}
		total := 0
		for _, stored := range texts(&s) {
			total += jsontext.Size(stored)
			if !utf8.ValidString(stored) {
				t.Errorf("%q was cut within a character", stored)
			}
		}
		if total > MaxSessionText {
			t.Errorf("the texts of a session full of %q take %d bytes as they are stored: at most %d", text, total, MaxSessionText)
		}
		if s.CustomerID != customer || s.OrderID != order {
			t.Error("an id was cut: it would name another customer or order")
		}
		if again := s; again.Fit() || again != s {
			t.Error("what fits was cut again")
		}
	}
}

func TestFit_WhatSaysLeastGoesFirst(t *testing.T) {
	s := Session{Referrer: strings.Repeat("r", 2048), LandingPage: strings.Repeat("l", 1500), UserAgent: strings.Repeat("u", 512), UTMTerm: strings.Repeat("t", 256)}
	before := s
	if !s.Fit() || len(s.Referrer) >= 2048 || len(s.Referrer) <= 512 {
		t.Errorf("the referrer has %d bytes: it is cut first, and only as far as is needed", len(s.Referrer))
	}
	s.Referrer = before.Referrer
	if s != before {
		t.Errorf("more than the referrer was cut: %+v", s)
	}
	s.LandingPage = strings.Repeat("l", 2048)
	s.UTMCampaign, s.UTMSource = strings.Repeat("c", 256), strings.Repeat("s", 256)
	before = s
	s.Fit()
	if len(s.Referrer) != 512 || len(s.LandingPage) == 2048 || s.UTMTerm != before.UTMTerm || s.UserAgent != before.UserAgent {
		t.Errorf("referrer %d, landing page %d, term %d, agent %d bytes: the referrer goes to 512 before the landing page, and that before the others",
			len(s.Referrer), len(s.LandingPage), len(s.UTMTerm), len(s.UserAgent))
	}
	short := Session{Referrer: "https://example.com/", UserAgent: "Mozilla/5.0"}
	if kept := short; kept.Fit() || kept != short {
		t.Error("a session that fits was cut")
	}
}
