package blackbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/internal/testserver/restfront"
)

// A visitor comes to the Express service, logs in there, and the next day the
// shop runs on Footfall, with the same Redis and the same secret.
func TestLegacy_FromExpress(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	rest := httptest.NewServer(restfront.New(redis.Addr(), restToken))
	t.Cleanup(rest.Close)
	express := startExpress(t, rest.URL)

	old := (&shop{instance: &instance{t: t}, url: express}).browser()
	old.view("/")
	var legacy struct{ SessionID, VisitorID, Type string }
	login := old.post("/login/cust_1", "").want(200)
	if err := json.Unmarshal(login.body, &legacy); err != nil || legacy.Type != "CUSTOMER" {
		t.Fatalf("the Express service answered %s", login.body)
	}
	cookie, anonymous := old.cookie("session"), (&shop{instance: &instance{t: t}, url: express}).browser()
	anonymous.view("/")

	for _, settings := range [][]string{
		{"REDIS_URL=" + redis.URL()},
		{"UPSTASH_REDIS_REST_URL=" + rest.URL, "UPSTASH_REDIS_REST_TOKEN=" + restToken},
	} {
		// Not without the setting, and not after its date.
		for _, until := range []string{"", time.Now().AddDate(0, 0, -2).Format(time.DateOnly)} {
			s := openShop(t, append(settings, "LEGACY_UNTIL="+until)...)
			s.stranger("Cookie: session=" + cookie).get(mePath).want(401)
			s.kill()
		}
	}
	s := openShop(t, "REDIS_URL="+redis.URL(), "LEGACY_UNTIL="+time.Now().AddDate(0, 0, 1).Format(time.DateOnly))
	for name, forged := range map[string]string{
		"an unsigned cookie":      legacy.SessionID,
		"a visitor's id, signed":  sign("v1."+legacy.SessionID, cookieSecret),
		"a session of nobody":     sign("00000000-0000-4000-8000-000000000000", cookieSecret),
		"somebody else's secret":  sign(legacy.SessionID, "another secret of thirty-two bytes!"),
		"a signature of the past": strings.Replace(cookie, ".", ".A", 1),
	} {
		if a := s.stranger("Cookie: session=" + forged).get(mePath); a.status != 401 {
			t.Errorf("%s is worth %d", name, a.status)
		}
	}
	// The visitor is the record's, whatever the unsigned cookie says.
	here := s.stranger("Cookie: session="+cookie, "Cookie: visitor_id=00000000-0000-4000-8000-00000000beef")
	a := here.get(mePath).want(200)
	session, visitor := a.set("session"), a.set("visitor_id")
	if sessionIn(session) == "" || sessionIn(session) == legacy.SessionID || visitorIn(visitor) != legacy.VisitorID {
		t.Fatalf("the legacy customer got the cookies %q and %q", session, visitor)
	}
	customer := s.stranger("Cookie: session=" + session + "; visitor_id=" + visitor)
	if got := customer.asks(); got == nil || text(got.CustomerID) != "cust_1" || got.VisitorID != legacy.VisitorID {
		t.Errorf("the adopted session is %+v", got)
	}
	// Its own requests that were under way get the same session, for a moment.
	if again := s.stranger("Cookie: session=" + cookie).get(mePath).want(200).set("session"); again != session {
		t.Errorf("a parallel request was given %q, the first %q", again, session)
	}
	if a := s.stranger("Cookie: session=" + anonymous.cookie("session")).view(productsPath); a.set("session") == "" {
		t.Error("an anonymous visitor of the Express service was not adopted")
	}
	// Node services beside the shop verify our cookies.
	node := (&shop{instance: &instance{t: t}, url: express}).stranger("Cookie: session=" + session + "; visitor_id=" + visitor).get("/cookies").want(200)
	var verified map[string]string
	if err := json.Unmarshal(node.body, &verified); err != nil || verified["visitor_id"] != "v1."+legacy.VisitorID || !strings.HasPrefix(verified["session"], sessionIn(session)+".") {
		t.Errorf("cookie-parser reads our cookies as %s", node.body)
	}
	customer.post(logoutPath, "").want(200)
	if a := s.stranger("Cookie: session=" + cookie).get(mePath); a.status == 200 {
		t.Error("after the logout the legacy cookie is worth a session")
	}
	s.drained()
	if row := s.row(`SELECT customer_id, visitor_id, end_reason FROM sessions WHERE session_id = ?`, sessionIn(session)); strings.Join(row, " ") != "cust_1 "+legacy.VisitorID+" logout" {
		t.Errorf("sessions holds %v", row)
	}
}

// startExpress runs the service in scripts/interop and returns its address.
func startExpress(t *testing.T, restURL string) string {
	t.Helper()
	cmd := exec.Command("node", "service.js")
	cmd.Dir = "../../scripts/interop"
	cmd.Env = append(os.Environ(), "UPSTASH_REDIS_REST_URL="+restURL, "UPSTASH_REDIS_REST_TOKEN="+restToken, "COOKIE_SECRET="+cookieSecret)
	errs := &output{}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := testserver.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("node service.js: %v: %s (make setup installs what it needs)", err, errs)
	}
	return "http://127.0.0.1:" + fmt.Sprint(strings.TrimSpace(line))
}
