package enrich

import "testing"

func TestOrigin(t *testing.T) {
	p := PageFromScript("/p?utm_source=%20GRU%CC%88%C3%9FE&utm_medium=E-Mail&utm_campaign=Fr%C3%BChling&utm_term=A&utm_content=B&fbclid=x", "https://WWW.News.example/a/B?x=1#y", nil)
	want := Origin{Channel: "Email", Source: "grüße", Medium: "e-mail", Campaign: "frühling", Term: "a", Content: "b", Referrer: "www.news.example/a/B", Click: "fbclid"}
	if got := OriginOf(p); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if p.UTM.Medium != "E-Mail" || p.UTM.Source != "GRU\u0308ßE" {
		t.Errorf("what is stored stays as it came: %+v", p.UTM)
	}
	if got := OriginOf(Page{Path: "/p"}); got != (Origin{Channel: "Direct"}) {
		t.Errorf("a direct visit has no source: %+v", got)
	}
}

// One arrival is told from the next by its origin.
func TestOrigin_arrivalsThatAreOne(t *testing.T) {
	first := OriginOf(PageFromScript("/p?utm_source=News&utm_campaign=M%C3%A4rz", "", nil))
	again := OriginOf(PageFromScript("/q?utm_campaign=ma%CC%88rz%20&utm_source=news", "", nil))
	other := OriginOf(PageFromScript("/p?utm_source=news&utm_campaign=april", "", nil))
	if first != again || first == other {
		t.Errorf("first %+v, again %+v, other %+v: want the first two to be equal", first, again, other)
	}
}

func TestKey(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "  ": "", " Google ": "google", "CAFE\u0301": "café", "ΣΊΣΥΦΟΣ": "σίσυφοσ", "I": "i",
	} {
		if got := Key(value); got != want {
			t.Errorf("Key(%q) = %q, want %q", value, got, want)
		}
	}
}
