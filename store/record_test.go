package store

import (
	"reflect"
	"testing"
	"time"
)

// fieldNames are the fields of a struct, with those of what it embeds.
func fieldNames(t reflect.Type, names map[string]int) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous || f.Type == reflect.TypeFor[Credentials]() {
			fieldNames(f.Type, names)
		} else {
			names[f.Name]++
		}
	}
}

// A truth that stands in two fields is wrong as soon as somebody sets one of them.
func TestRecord_KeepsEachTruthOnce(t *testing.T) {
	names := map[string]int{}
	fieldNames(reflect.TypeFor[Record](), names)
	for name, n := range names {
		if n > 1 {
			t.Errorf("a record keeps %s in %d places", name, n)
		}
	}
	if names["Type"] > 0 {
		t.Error("a record keeps a type beside the customer that it follows from")
	}
}

func TestRecord_CredentialsAreReplacedTogether(t *testing.T) {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	want := Credentials{
		Version: 7, SecretHash: SecretHash{1}, Superseded: SecretHash{2}, CustomerID: "c",
		AuthenticatedAt: at, RotatedAt: at.Add(1), EndedAt: at.Add(2), EndReason: EndLogout,
	}
	v := reflect.ValueOf(want)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test leaves %s empty", v.Type().Field(i).Name)
		}
	}
	var r Record
	r.SetCredentials(want)
	if got := r.Credentials(); got != want {
		t.Errorf("a record's credentials read back as %+v, were %+v", got, want)
	}
	if r.Type() != TypeCustomer || r.CustomerID != "c" || !r.EndedAt.Equal(want.EndedAt) || r.EndReason != EndLogout {
		t.Errorf("the session says %s %q, ended %v (%s): not what its credentials say", r.Type(), r.CustomerID, r.EndedAt, r.EndReason)
	}
}
