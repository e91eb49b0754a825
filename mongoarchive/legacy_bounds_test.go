package mongoarchive

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/store"
)

// The Express service took what strangers sent as it was. What comes from its documents
// keeps the bounds of what comes from requests.
func TestLegacy_ImportsAreAnEntrance(t *testing.T) {
	hostile := strings.Repeat("<\x1b[2J\xff\u202e\"", 2000)
	old := bson.M{"_id": bson.NewObjectID()}
	for _, name := range []string{"visitorId", "customerId", "orderId", "ipAddress", "userAgent", "country", "city", "device", "browser", "os", "landingPage", "referrer", "utmSource", "utmMedium", "utmCampaign"} {
		old[name] = hostile
	}
	d := legacySession(old)
	total := 0
	for _, stored := range []*string{d.VisitorID, d.CustomerID, d.OrderID, d.IPAddress, d.UserAgent, d.Country, d.City, d.Device, d.Browser, d.OS, d.LandingPage, d.Referrer, d.UTMSource, d.UTMMedium, d.UTMCampaign} {
		total += jsontext.Size(plain(stored))
		if !utf8.ValidString(plain(stored)) || strings.ContainsFunc(plain(stored), unicode.IsControl) {
			t.Errorf("%.40q is stored of an Express document: a text is UTF-8 without control characters at every entrance", plain(stored))
		}
	}
	if total > store.MaxSessionText {
		t.Errorf("the texts of an Express session take %d bytes: at most %d", total, store.MaxSessionText)
	}
	for what, metadata := range map[string]any{
		"large":     bson.M{"a": hostile},
		"deep":      bson.M{"a": bson.M{"a": bson.M{"a": bson.M{"a": bson.M{"a": bson.M{"a": "b"}}}}}},
		"no object": hostile,
	} {
		got := plain(legacyMetadata(metadata))
		if got == "" || len(got) > 4<<10+len(`{"cut":""}`) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("metadata of an Express document that is %s is stored as %d bytes, %.60q: it keeps the bounds of an event's", what, len(got), got)
		}
	}
}
