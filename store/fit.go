package store

import "github.com/footfall-go/footfall/internal/jsontext"

// MaxSessionText is how many bytes all of a session's texts take together, as they are
// stored: as JSON, without quotes.
const MaxSessionText = 4 << 10

// maxIDText is what the ids of session, visitor, customer and order take at most. They
// are never cut.
const maxIDText = 2*36 + 2*2*128

// Fit cuts the session's texts until all of them together take at most
// [MaxSessionText], and reports whether it cut any. What says least goes first, as far
// as is needed and never below what is still of use: the referrer and the landing page
// to 512 bytes, then the UTM values (term, content, campaign, medium, source) to 128
// each, then the user agent to 256.
func (s *Session) Fit() (cut bool) {
	few := [...]*string{&s.IPAddress, &s.Country, &s.City, &s.Device, &s.Browser, &s.OS, &s.Channel}
	long := [...]struct {
		text  *string
		least int
	}{
		{&s.Referrer, 512}, {&s.LandingPage, 512},
		{&s.UTMTerm, 128}, {&s.UTMContent, 128}, {&s.UTMCampaign, 128}, {&s.UTMMedium, 128}, {&s.UTMSource, 128},
		{&s.UserAgent, 256},
	}
	total := maxIDText
	for _, text := range few {
		size := jsontext.Size(*text)
		if size > 64 {
			*text, cut = jsontext.Cut(*text, 64), true
			size = jsontext.Size(*text)
		}
		total += size
	}
	for _, l := range long {
		total += jsontext.Size(*l.text)
	}
	if total <= MaxSessionText {
		return cut
	}
	for _, l := range long {
		size := jsontext.Size(*l.text)
		if excess := total - MaxSessionText; excess > 0 && size > l.least {
			*l.text, cut = jsontext.Cut(*l.text, max(size-excess, l.least)), true
			total += jsontext.Size(*l.text) - size
		}
	}
	return cut
}
