package live

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/count"
)

// BenchmarkTable looks up sessions at random, so that a larger table misses the
// processor's caches as it does in a busy shop.
func BenchmarkTable(b *testing.B) {
	for _, sessions := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			table := NewTable(sessions, 1<<40, new(count.Set))
			ids := make([]uuid.UUID, sessions)
			for i := range ids {
				ids[i] = clock.NewID()
				if table.Add(&Entry{id: ids[i]}, 0) == nil {
					b.Fatal("the table is full")
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if table.Get(ids[rand.IntN(sessions)]) == nil {
					b.Fatal("a session is missing")
				}
			}
		})
	}
}
