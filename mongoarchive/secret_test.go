package mongoarchive_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/mongoarchive"
)

func TestArchive_PrintedShowsNoPassword(t *testing.T) {
	a, err := mongoarchive.Open(t.Context(), "mongodb://user:s3cret@127.0.0.1:1/footfall", mongoarchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil { // so that nothing of it changes while it is printed
		t.Error(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, a); strings.Contains(text, "s3cret") || strings.Contains(text, "733363726574") {
			t.Errorf("an archive printed with %s shows its password: %s", verb, text)
		}
	}
}

func TestOpen_ErrorsShowNoSecretOption(t *testing.T) {
	for _, uri := range []string{
		"mongodb://host/?tlsCertificateKeyFile=/no/file&tlsCertificateKeyFilePassword=s3cret", "mongodb://host/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:s3cret,x",
		"mongodb://host/?s3cret", "mongodb://user:s3cret", "mongodb://host/?w=1&s3cret=%zz",
	} {
		if a, err := mongoarchive.Open(t.Context(), uri, mongoarchive.Options{}); err == nil {
			_ = a.Close()
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error %q shows a secret", uri, err)
		}
	}
}
