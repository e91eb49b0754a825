package admin_test

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/admin"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

// A shop's own program that footfall doctor, revoke, stats and the others find with
// DATA_DIR=data.
func Example() {
	archive, err := sqlitearchive.Open("data/footfall.db", sqlitearchive.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer archive.Close()
	tracker, err := footfall.New(footfall.Config{
		Secrets: []string{os.Getenv("COOKIE_SECRET")}, Hot: memstore.New(0), Archive: archive, JournalDir: "data/journal",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer tracker.Close(context.Background())

	operators, err := admin.New(admin.Config{Tracker: tracker, Reader: archive, DataDir: "data"})
	if err != nil {
		log.Fatal(err)
	}
	defer operators.Close()
	if err := operators.Listen(""); err != nil { // or Mount and Announce
		log.Fatal(err)
	}

	log.Print(http.ListenAndServe(":8080", tracker.Handler(http.FileServer(http.Dir("public")))))
}
