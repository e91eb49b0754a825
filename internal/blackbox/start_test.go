package blackbox

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// An instance that is still opening its stores refuses connections: who waits
// behind a load balancer is sent to another one.
func TestStart_RefusesUntilItServes(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	redis := testserver.Redis(t)
	env := environment(filepath.Join(t.TempDir(), "data"), "ADDR="+addr, "REDIS_URL="+redis.URL(), "MONGODB_URI=mongodb://"+silent.Addr().String())
	began := time.Now()
	c := exec.Command(binary, "demo")
	c.Env = env
	if err := testserver.Launch(c); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	eventually(t, "the shop takes connections", func() (bool, string) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false, err.Error()
		}
		conn.Close()
		return true, ""
	})
	opened := time.Now()
	resp, err := http.Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if waited := time.Since(opened); waited > time.Second {
		t.Errorf("%v after its start the shop took a connection, and answered %v later", opened.Sub(began), waited)
	} else {
		t.Logf("it took connections after %v and answered in %v", opened.Sub(began), waited)
	}
}
