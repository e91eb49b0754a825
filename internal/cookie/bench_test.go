package cookie

import (
	"testing"

	"github.com/footfall-go/footfall/internal/clock"
)

func BenchmarkVerifySession(b *testing.B) {
	ring := NewKeyRing([]string{"8rN3sPq0vXy2LwKcTz5uHb7mJd1eGf4a"})
	token := Token{ID: clock.NewID(), Secret: NewSecret()}
	wire := ring.Sign(token.Value())
	buf := make([]byte, 0, MaxLength)
	b.ReportAllocs()
	for b.Loop() {
		value, _, ok := ring.Verify(buf, wire)
		if !ok {
			b.Fatal("it does not verify")
		}
		got, ok := ParseSession(value)
		if !ok || got.ID != token.ID {
			b.Fatal("it does not parse")
		}
		_ = got.Secret.Hash() // what stores know it by
	}
}
