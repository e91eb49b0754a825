// Command shop is a shop's own program that embeds Footfall, as a shop would write it. It
// serves pages on the address in ADDR and ends with SIGTERM.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/admin"
	"github.com/footfall-go/footfall/memstore"
	"github.com/footfall-go/footfall/sqlitearchive"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

// run serves the shop. The operators' part is mounted, or listens on an address of its own.
func run(dir, how string) (err error) {
	archive, err := sqlitearchive.Open(filepath.Join(dir, "footfall.db"), sqlitearchive.Options{})
	if err != nil {
		return err
	}
	defer archive.Close()
	tracker, err := footfall.New(footfall.Config{
		Secrets: []string{os.Getenv("COOKIE_SECRET")}, Hot: memstore.New(0), Archive: archive,
		JournalDir: filepath.Join(dir, "journal"), Insecure: true, IdleTimeout: 45 * time.Minute, StoreTimeout: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if closeErr := tracker.Close(ending); err == nil {
			err = closeErr
		}
	}()
	listener, err := net.Listen("tcp", os.Getenv("ADDR"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "a page of the shop")
	})))

	operators, err := admin.New(admin.Config{Tracker: tracker, Reader: archive, DataDir: dir})
	if err != nil {
		return err
	}
	defer operators.Close()
	if how == "mount" {
		operators.Mount(mux)
		err = operators.Announce("http://" + listener.Addr().String())
	} else {
		err = operators.Listen("")
	}
	if err != nil {
		return err
	}

	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(stop, func() { _ = server.Shutdown(context.Background()) })
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}
