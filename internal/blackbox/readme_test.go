package blackbox

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The program in the README can be copied: it builds, serves, keeps a visitor's
// session, and ends cleanly when it is told to.
func TestReadme_ItsProgramRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\npackage main\n")
	program, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the README has no program")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "shop")
	program = strings.Replace(program, `":8080"`, `"`+addr+`"`, 1)
	if err := os.WriteFile(source, []byte("package main\n"+program), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the README's program does not build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shop := exec.CommandContext(ctx, binary)
	shop.Dir = dir
	shop.Env = append(os.Environ(), "COOKIE_SECRET=8rN3sPq0vXy2LwKcTz5uHb7mJd1eGf4a")
	var log output
	shop.Stdout, shop.Stderr = &log, &log
	if err := shop.Start(); err != nil {
		t.Fatal(err)
	}
	var cookies []*http.Cookie
	get := func() (body string, set int) {
		var sets []*http.Cookie
		eventually(t, "the README's program answers", func() (bool, string) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
			for _, c := range cookies {
				r.AddCookie(c)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return false, err.Error()
			}
			defer resp.Body.Close()
			text := make([]byte, 1024)
			n, _ := resp.Body.Read(text)
			body, sets = string(text[:n]), resp.Cookies()
			return true, ""
		})
		cookies = append(cookies, sets...)
		return body, len(sets)
	}
	first, set := get()
	if second, again := get(); set != 2 || again != 0 || second != first || !strings.Contains(first, "Your visit is 0") {
		t.Errorf("the program answers %q with %d cookies, then %q with %d: want one session, and its cookies once", first, set, second, again)
	}
	// A stranger who never sends the rest of a request must not keep it from ending.
	half, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if _, err := half.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	if err := shop.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := shop.Wait(); err != nil || !strings.Contains(log.String(), "end: <nil> <nil>") {
		t.Errorf("after Ctrl-C the program ends with %v and says\n%s", err, log.String())
	}
}
