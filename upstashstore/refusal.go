package upstashstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// A statusError is an answer with a status other than 200, and what to do about
// it.
type statusError struct {
	code int
	says string
}

func (e statusError) Error() string { return e.says }

// refusal reads an answer whose status is not 200. A failed command has status
// 400.
func (c *client) refusal(res *http.Response, body []byte) error {
	var item struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &item) != nil {
		item.Error = "" // a page of a proxy on the way, whose HTML does not belong in a log
	}
	says := c.line(item.Error)
	status := strings.TrimSpace(strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode))
	switch code := res.StatusCode; {
	case code == http.StatusBadRequest && says != "":
		return c.explain(commandError(item.Error))
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return statusError{code, fmt.Sprintf("the service refuses the token (%s): use the REST token of this database, which is not its password", join(status, says))}
	case code == http.StatusTooManyRequests:
		if after := c.line(res.Header.Get("Retry-After")); after != "" {
			status += ", Retry-After " + after
		}
		return statusError{code, fmt.Sprintf("the rate limit is reached (%s): raise the plan's limit, or send less", join(status, says))}
	case code >= 300 && code < 400:
		return statusError{code, fmt.Sprintf("the address redirects (%s), which is not followed with a token: use the address it leads to", status)}
	case code >= 500:
		return statusError{code, fmt.Sprintf("the service fails (%s): look at its status, and at what stands before it", join(status, says))}
	}
	return statusError{res.StatusCode, fmt.Sprintf("the service answers %s: look whether the address is that of a REST API", join(status, says))}
}

func join(status, says string) string {
	if says == "" {
		return status
	}
	return status + ", " + says
}

// explain adds what to do to an error of Redis that has a known cause.
func (c *client) explain(err error) error {
	var e commandError
	if !errors.As(err, &e) {
		return err
	}
	if e = commandError(c.line(string(e))); e == "" {
		e = "the command was refused without a reason"
	}
	for _, known := range []struct{ part, remedy string }{
		{"max requests limit", "the plan's number of requests is used up: raise it, or wait for the next period"},
		{"max daily request limit", "the plan's number of requests is used up: raise it, or wait for the next day"},
		{"capacity quota", "the plan's storage is full: raise it"},
		{"NOPERM", "the token lacks the right: use the standard token, not the read-only one"},
		{"WRONGPASS", "use the REST token of this database, which is not its password"},
		{"READONLY", "the database takes no writes at the moment"},
	} {
		if strings.Contains(string(e), known.part) {
			return fmt.Errorf("%w: %s", e, known.remedy)
		}
	}
	return e
}

// line shortens a server's message to one line without the token.
func (c *client) line(s string) string {
	s = strings.ReplaceAll(s, c.token, "[token]")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
