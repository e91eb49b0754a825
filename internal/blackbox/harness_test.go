package blackbox

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/footfall-go/footfall/internal/testserver"
)

// binary is the command under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for a time to pass, not for a processor.
	_ = flag.Set("test.parallel", "8")
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "footfall-blackbox-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "footfall")
	build := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", binary, "../../cmd/footfall")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// What the tests run with. Browsers get cookies, tools get none.
const (
	cookieSecret = "Zr6Qw2Yx8Tn4Vb1Kc5Mh7Lp9Jd3Gs0Fa"
	adminToken   = "blackbox-admin-token-0123456789"
	firefox      = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	googlebot    = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

	productsPath = "/api/storefront/products"
	cartPath     = "/api/storefront/cart"
	loginPath    = "/api/storefront/auth/login"
	logoutPath   = "/api/storefront/auth/logout"
	mePath       = "/api/storefront/me"
	sessionPath  = "/api/storefront/session"
	ordersPath   = "/api/storefront/orders"

	firstCustomer  = `{"email":"customer@example.com","password":"password123"}`
	secondCustomer = `{"email":"second@example.com","password":"password123"}`
	oneMug         = `{"items":[{"productId":"1","quantity":1}],"shippingAddress":{"city":"Ulm"}}`
)

// patience is the most that anything may take that should happen at once.
const patience = 20 * time.Second

// A shop is a demo shop that runs as a process, or as several behind a front
// that takes turns.
type shop struct {
	*instance // the first
	others    []*instance
	url       string // where its visitors go
	database  *mongoDatabase
}

// An instance is one process of a shop.
type instance struct {
	t       testing.TB
	dataDir string
	command string // demo, if it is empty
	env     []string
	own     string // its own address
	token   string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has
	err     error         // how; valid once it has ended
	out     *output       // of all its lives
	errs    *output
}

// environment is what a process sees of ours: where things are, nothing that
// says how Footfall works. But for one thing: a disk that takes longer than
// STORE_TIMEOUT for a write costs facts, by design, and test machines have such
// disks. So that the tests can be exact it is longer than by default.
func environment(dataDir string, settings ...string) []string {
	env := []string{"STORE_TIMEOUT=2s", "ADDR=127.0.0.1:0", "DATA_DIR=" + dataDir, "COOKIE_SECRET=" + cookieSecret, "ADMIN_TOKEN=" + adminToken, "GORACE=halt_on_error=0"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return append(env, settings...) // of duplicates the last counts
}

// openShop starts a shop in a directory of its own. Settings are NAME=value.
func openShop(t testing.TB, settings ...string) *shop {
	t.Helper()
	return openShopIn(t, filepath.Join(t.TempDir(), "data"), settings...)
}

func openShopIn(t testing.TB, dataDir string, settings ...string) *shop {
	t.Helper()
	s := &shop{}
	place := topologyOf(t).place(t)
	s.database = place.database
	for i := range place.instances {
		dir := dataDir
		if i > 0 {
			dir = filepath.Join(t.TempDir(), fmt.Sprintf("data-%d", i+1))
		}
		env := environment(dir, append(place.settings, settings...)...)
		p := &instance{t: t, dataDir: dir, env: env, out: &output{}, errs: &output{}}
		t.Cleanup(p.finish)
		if i == 0 {
			s.instance = p
		} else {
			s.others = append(s.others, p)
		}
	}
	s.start()
	return s
}

func (s *shop) all() []*instance { return append([]*instance{s.instance}, s.others...) }

// start runs the processes and waits until they are ready.
func (s *shop) start() {
	s.t.Helper()
	for _, p := range s.all() {
		p.start()
	}
	switch {
	case len(s.others) == 0:
		s.url = s.own
	case s.url == "":
		s.url = front(s)
	}
}

// kill ends the processes as kill -9 does.
func (s *shop) kill() {
	for _, p := range s.all() {
		p.kill()
	}
}

// crash kills the processes and starts them again on the same directories.
func (s *shop) crash() {
	s.t.Helper()
	s.kill()
	s.start()
}

// stop asks the processes to end and waits for them.
func (s *shop) stop(signal os.Signal) {
	s.t.Helper()
	for _, p := range s.all() {
		p.stop(signal)
	}
}

// front takes turns with a shop's instances, wherever they are at that moment.
func front(s *shop) string {
	var turn atomic.Uint64
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			all := s.all()
			u, err := url.Parse(all[turn.Add(1)%uint64(len(all))].own)
			if err != nil {
				panic(err)
			}
			r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(proxy)
	s.t.Cleanup(server.Close)
	return server.URL
}

// finish ends the process with its test, and looks at what it printed.
func (s *instance) finish() {
	if s.process == nil {
		return
	}
	s.kill()
	for _, trouble := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(s.errs.String(), trouble) {
			s.t.Errorf("the process printed %q:\n%s", trouble, s.errs)
		}
	}
	if s.t.Failed() {
		s.t.Logf("what the process printed:\n%s", s.errs)
	}
}

// start runs the process and waits until it is ready.
func (s *instance) start() {
	s.t.Helper()
	s.launch()
	eventually(s.t, "the shop is ready", func() (bool, string) {
		resp, err := http.Get(s.own + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode == 200, string(body)
	})
}

// execute runs the process. The channel is closed when it has ended.
func (s *instance) execute() <-chan struct{} {
	s.t.Helper()
	s.process = exec.Command(binary, cmp.Or(s.command, "demo"))
	s.process.Env, s.process.Stdout, s.process.Stderr = s.env, s.out, s.errs
	if err := testserver.Launch(s.process); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func() {
		s.err = s.process.Wait()
		close(ended)
	}()
	return ended
}

// launch runs the process and waits until it serves.
func (s *instance) launch() {
	s.t.Helper()
	ended := s.execute()
	eventually(s.t, "the shop serves", func() (bool, string) {
		select {
		case <-ended:
			s.t.Fatalf("the shop ended: %v\n%s", s.err, s.errs)
		default:
		}
		var door struct {
			URL, Token string
			PID        int
		}
		b, err := os.ReadFile(filepath.Join(s.dataDir, "admin.json"))
		if err != nil || json.Unmarshal(b, &door) != nil || door.PID != s.process.Process.Pid {
			return false, fmt.Sprintf("admin.json: %v %s", err, b)
		}
		s.own, s.token = door.URL, door.Token
		resp, err := http.Get(s.own + "/healthz")
		if err != nil {
			return false, err.Error()
		}
		resp.Body.Close()
		return resp.StatusCode == 200, resp.Status
	})
}

// kill ends the process as kill -9 does.
func (s *instance) kill() {
	_ = s.process.Process.Kill()
	<-s.ended
}

// stop asks the process to end and waits for it.
func (s *instance) stop(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
		if s.err != nil {
			s.t.Fatalf("after %v the shop ended with %v\n%s", signal, s.err, s.errs)
		}
	case <-time.After(patience):
		s.t.Fatalf("%v did not end the shop", signal)
	}
}

// A result is what a command printed, and its exit code.
type result struct {
	code        int
	out, errors string
}

// run runs another subcommand with the shop's settings.
func (s *instance) run(args ...string) result {
	s.t.Helper()
	return runWith(s.t, s.env, args...)
}

func runWith(t testing.TB, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, binary, args...)
	c.Env, c.Stdout, c.Stderr = env, &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("footfall %s: %v %v\n%s%s", strings.Join(args, " "), err, ctx.Err(), &out, &errs)
	}
	for _, trouble := range []string{"DATA RACE", "panic:"} {
		if strings.Contains(errs.String(), trouble) {
			t.Errorf("footfall %s:\n%s", strings.Join(args, " "), &errs)
		}
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// runJSON runs a subcommand with --json, which has to succeed, into v.
func (s *instance) runJSON(v any, args ...string) {
	s.t.Helper()
	r := s.run(append(args, "--json")...)
	if r.code != 0 {
		s.t.Fatalf("footfall %s: exit code %d: %s", strings.Join(args, " "), r.code, r.errors)
	}
	decoder := json.NewDecoder(strings.NewReader(r.out))
	if err := decoder.Decode(v); err != nil {
		s.t.Fatalf("footfall %s printed no JSON: %v\n%s", strings.Join(args, " "), err, r.out)
	}
	if decoder.More() {
		s.t.Fatalf("footfall %s printed more than one document:\n%s", strings.Join(args, " "), r.out)
	}
}

// status asks the admin API of every instance, and adds up.
func (s *shop) status() status {
	s.t.Helper()
	sum := status{Counts: map[string]uint64{}}
	for _, p := range s.all() {
		st := p.status()
		sum.JournalPending += st.JournalPending
		sum.JournalBytes += st.JournalBytes
		sum.Replaying = sum.Replaying || st.Replaying
		for name, n := range st.Counts {
			sum.Counts[name] += n
		}
	}
	return sum
}

func (s *instance) status() status {
	s.t.Helper()
	var st status
	if code := s.admin("GET", "/_footfall/api/status", "", &st); code != 200 {
		s.t.Fatalf("status: %d", code)
	}
	return st
}

type status struct {
	JournalPending uint64
	JournalBytes   int64
	Replaying      bool
	Counts         map[string]uint64
}

// admin makes a request with the admin token; data of the answer goes into v.
func (s *instance) admin(method, path, body string, v any) int {
	s.t.Helper()
	req, err := http.NewRequest(method, s.own+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := struct{ Data any }{v}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatalf("%s %s: %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode
}

// drained waits until the database holds everything.
func (s *shop) drained() {
	s.t.Helper()
	s.drainedWithin(patience)
}

func (s *shop) drainedWithin(most time.Duration) {
	s.t.Helper()
	eventuallyWithin(s.t, most, "the journal is drained", func() (bool, string) {
		st := s.status()
		return st.JournalPending == 0 && !st.Replaying, fmt.Sprintf("%d records wait", st.JournalPending)
	})
}

// open opens the database beside the shop; mode is ro or rw.
func (s *shop) open(mode string) *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(s.dataDir, "footfall.db")}).EscapedPath()+"?mode="+mode+"&_pragma=busy_timeout(5000)")
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { db.Close() })
	return db
}

// reading opens what is stored: the database, or a copy of one that is not
// SQLite's.
func (s *shop) reading() *sql.DB {
	s.t.Helper()
	if s.database != nil {
		return mirror(s.t, s.database.server, s.database.name)
	}
	return s.open("ro")
}

// row reads one row of the database, as text; NULL is "NULL".
func (s *shop) row(query string, args ...any) []string {
	s.t.Helper()
	rows := s.rows(query, args...)
	if len(rows) != 1 {
		s.t.Fatalf("%s %v: %d rows, want one: %v", query, args, len(rows), rows)
	}
	return rows[0]
}

func (s *shop) rows(query string, args ...any) [][]string {
	s.t.Helper()
	db := s.reading()
	defer db.Close()
	found, err := readRows(db, query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return found
}

func readRows(db *sql.DB, query string, args ...any) ([][]string, error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i, c := range cells {
			row[i] = "NULL"
			if c.Valid {
				row[i] = c.String
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// count reads one number.
func (s *shop) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	if _, err := fmt.Sscan(s.row(query, args...)[0], &n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// journalBytes is the size of the journal's segments.
func (s *shop) journalBytes() (n int64) {
	s.t.Helper()
	for _, file := range s.segments() {
		info, err := os.Stat(file)
		if err != nil {
			s.t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

func (s *shop) segments() []string {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dataDir, "journal", "*.wal"))
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

// lockDatabase holds the database's write lock, as another process would, until
// the function that it returns is called.
func (s *shop) lockDatabase() (release func()) {
	s.t.Helper()
	db := s.open("rw")
	conn, err := db.Conn(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		s.t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			s.t.Error(err)
		}
		conn.Close()
		db.Close()
	})
}

// eventually polls until something is so. seen is shown when it never is.
func eventually(t testing.TB, what string, check func() (ok bool, seen string)) {
	t.Helper()
	eventuallyWithin(t, patience, what, check)
}

func eventuallyWithin(t testing.TB, most time.Duration, what string, check func() (ok bool, seen string)) {
	t.Helper()
	deadline := time.Now().Add(most)
	for {
		ok, seen := check()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s; last seen: %s", most, what, seen)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// An output collects what a process prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

var terminate os.Signal = syscall.SIGTERM
