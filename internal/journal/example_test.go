package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/footfall-go/footfall/internal/journal"
)

// A request appends; the projector moves the facts to the archive.
func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		panic(err)
	}

	if _, err := j.Append([]byte("page_view /")); err != nil {
		fmt.Println("served, but not acknowledged:", err)
	}
	if _, err := j.Commit([]byte("logout")); err != nil {
		fmt.Println("503:", err)
	}

	j.Seal() // at shutdown; the projector ends when it has everything
	for {
		batch, err := j.Next(context.Background(), 100, 1<<20)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			panic(err)
		}
		for _, record := range batch.Records {
			fmt.Printf("to the archive: %s\n", record)
		}
		if err := j.Done(batch.End); err != nil {
			panic(err)
		}
	}
	if err := j.Close(); err != nil {
		panic(err)
	}
	// Output:
	// to the archive: page_view /
	// to the archive: logout
}
