package shop

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/footfall-go/footfall"
)

func TestCatalogue_TwoHundredProductsWithTextIDs(t *testing.T) {
	if len(products) != 200 {
		t.Fatalf("%d products", len(products))
	}
	names := map[string]bool{}
	for i, p := range products {
		found, ok := findProduct(p.ID)
		if !ok || found != p || p.Price.Amount <= 0 || p.Price.Currency != "EUR" || names[p.Name] {
			t.Errorf("product %d: %+v, found %+v", i+1, p, found)
		}
		names[p.Name] = true
	}
	for _, id := range []string{"", "0", "201", "-1", "+1", "01", " 1", "1 ", "1.0", "१", "99999999999999999999"} {
		if p, ok := findProduct(id); ok {
			t.Errorf("%q is %+v", id, p)
		}
	}
}

func TestCustomers_PasswordsAreHashedAndNeverShown(t *testing.T) {
	c, err := loadCustomers()
	if err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"customer@example.com", "second@example.com"} {
		account, ok := c.check(strings.ToUpper(email), "password123")
		if !ok || account.Email != email {
			t.Errorf("%s: %+v %v", email, account, ok)
		}
		if cost, err := bcrypt.Cost([]byte(account.Password)); err != nil || cost < bcrypt.DefaultCost {
			t.Errorf("%s: bcrypt cost %d, %v", email, cost, err)
		}
		if b, err := json.Marshal(account); err != nil || strings.Contains(string(b), account.Password) || strings.Contains(string(b), "$2") {
			t.Errorf("%s is shown as %s, %v", email, b, err)
		}
	}
	for _, wrong := range [][2]string{{"customer@example.com", "password124"}, {"customer@example.com", ""}, {"nobody@example.com", "password123"}, {"", ""}} {
		if _, ok := c.check(wrong[0], wrong[1]); ok {
			t.Errorf("%q is right", wrong)
		}
	}
	if c.byID["cust_1"].Email == "" || len(c.byID) != 2 {
		t.Errorf("by id: %v", c.byID)
	}
}

// How long an answer takes must not tell which accounts exist: the password is compared
// once, at the same cost.
func TestLogin_AnUnknownAccountCostsTheSame(t *testing.T) {
	c, err := loadCustomers()
	if err != nil {
		t.Fatal(err)
	}
	var costs []int
	c.compare = func(hash, _ []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil {
			t.Errorf("the password is compared with what is no hash: %v", err)
		}
		costs = append(costs, cost)
		return bcrypt.ErrMismatchedHashAndPassword
	}
	emails := []string{"nobody@example.com", "", "NOBODY@EXAMPLE.COM", strings.Repeat("x", 254)}
	for email := range c.byEmail {
		emails = append(emails, email)
	}
	for _, email := range emails {
		if _, right := c.check(email, "wrong"); right {
			t.Errorf("a wrong password of %.40q is right", email)
		}
	}
	if len(costs) != len(emails) || slices.Min(costs) != slices.Max(costs) {
		t.Errorf("%d logins compared passwords at the costs %v: each has to compare one, all at the same cost", len(emails), costs)
	}
	c.compare = func(_, _ []byte) error { return nil }
	if _, right := c.check("nobody@example.com", "any"); right {
		t.Error("somebody without an account is logged in by the password that the comparison is made with")
	}
}

func TestParseOrder(t *testing.T) {
	cart, total, hash, problem := parseOrder([]byte(`{"items":[{"productId":"1","quantity":2},{"productId":"1","quantity":1},{"productId":"200","quantity":1}],"shippingAddress":{"a":1}}`))
	if problem != "" || cart["1"] != 3 || cart["200"] != 1 || total.Amount != 3*490+products[199].Price.Amount || total.Currency != "EUR" || hash == "" {
		t.Errorf("%v %v %q %q", cart, total, hash, problem)
	}
	_, _, same, _ := parseOrder([]byte(` { "shippingAddress" : {"a":1}, "items":[ {"quantity":2,"productId":"1"},{"productId":"1","quantity":1},{"productId":"200","quantity":1}] } `))
	_, _, other, _ := parseOrder([]byte(`{"items":[{"productId":"1","quantity":3},{"productId":"200","quantity":1}],"shippingAddress":{"a":2}}`))
	if same != hash || other == hash {
		t.Errorf("hashes: %q, the same %q, another %q", hash, same, other)
	}
	if _, _, _, problem := parseOrder([]byte(`{"items":[{"productId":"1","quantity":99},{"productId":"1","quantity":1}]}`)); problem == "" {
		t.Error("two lines of one product pass the limit of its quantity: it is the product's in the order, not the line's")
	}
	var lines []string
	dearest := int64(0)
	for _, p := range products[len(products)-maxOrderLines:] {
		lines, dearest = append(lines, fmt.Sprintf(`{"productId":%q,"quantity":99}`, p.ID)), dearest+99*p.Price.Amount
	}
	most := strings.Join(lines, ",")
	if _, total, _, problem := parseOrder([]byte(`{"items":[` + most + `]}`)); problem != "" || total.Amount != dearest {
		t.Errorf("the largest order: %v %q", total, problem)
	}
	for _, body := range []string{
		"", "null", "[]", `"x"`, `{}`, `{"items":[]}`, `{"items":null}`, `{"items":[{}]}`, `{"items":[{"productId":"1"}]}`, `{"items":[{"productId":1,"quantity":1}]}`,
		`{"items":[{"productId":"1","quantity":100}]}`, `{"items":[{"productId":"1","quantity":1e2}]}`, `{"items":[` + most + `,{"productId":"1","quantity":1}]}`,
		`{"items":[{"productId":"1","quantity":1}],"shippingAddress":[]}`, `{"items":[{"productId":"1","quantity":1}]}x`,
	} {
		if cart, total, _, problem := parseOrder([]byte(body)); problem == "" {
			t.Errorf("%s is an order of %v: %v", body, total, cart)
		}
	}
}

// What a stranger sends takes no more memory than a few times its bytes, because a thousand
// may send it at once.
func TestParseOrder_TakesLittleMemory(t *testing.T) {
	const line = `{"items":[{"productId":"1","quantity":1}],"shippingAddress":{"x":`
	for what, address := range map[string]string{
		"levels":  strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"objects": "[" + strings.Repeat(`{"":{}},`, 8000) + "0]",
	} {
		body := []byte(line + address + "}}")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, _, problem := parseOrder(body)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; problem == "" || took > 4*maxBody {
			t.Errorf("%d bytes of %s take %d bytes (%q), want at most %d", len(body), what, took, problem, 4*maxBody)
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(`{"items":[{"productId":"1","quantity":2}],"shippingAddress":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		cart, total, hash, problem := parseOrder(body)
		if problem != "" {
			return
		}
		sum := int64(0)
		for id, n := range cart {
			p, ok := findProduct(id)
			if !ok || n < 1 || n > maxQuantity*maxOrderLines {
				t.Fatalf("%d of product %q", n, id)
			}
			sum += p.Price.Amount * int64(n)
		}
		if sum != total.Amount || total.Currency != currency || hash == "" {
			t.Fatalf("total %v, its lines sum up to %d", total, sum)
		}
	})
}

func TestNew_NamesWhatIsMissing(t *testing.T) {
	if s, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Config.Tracker: required") {
		t.Errorf("a shop without a tracker: %v, %v; want an error that names the field", s, err)
	}
	s, err := New(Config{Tracker: new(footfall.Tracker)})
	if err != nil || s.log == nil {
		t.Errorf("a shop with nothing but a tracker: %v, %v; want one that logs to the default logger", s, err)
	}
	if _, err := New(Config{Tracker: new(footfall.Tracker), AllowedOrigins: []string{"shop.example.com"}}); err == nil || !strings.Contains(err.Error(), "Config.AllowedOrigins") {
		t.Errorf("an origin without a scheme gives %v, want an error that names the field", err)
	}
}
