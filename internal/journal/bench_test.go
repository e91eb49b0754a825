package journal

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func benchOpen(b *testing.B) *Journal {
	j, err := Open(b.TempDir(), Options{MaxBytes: 64 << 30, Stall: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	return j
}

func BenchmarkAppend(b *testing.B) {
	j := benchOpen(b)
	record := bytes.Repeat([]byte("x"), 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Append(record); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend64 has 64 goroutines append at the same time.
func BenchmarkAppend64(b *testing.B) {
	j := benchOpen(b)
	record := bytes.Repeat([]byte("x"), 200)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := j.Append(record); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
