package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/footfall-go/footfall/enrich"
)

type enrichCmd struct {
	Settings `kong:"embed"`
	JSON     bool `name:"json" help:"Print JSON, one line for each line read; it is the only format."`
}

// Help is shown below the command's flags.
func (*enrichCmd) Help() string {
	return `Each line read is a JSON object with any of "userAgent", "referrer", "url" (of the page), "ip" and "headers" (an object). Each line printed has the fields that a session of that visitor would have, null where nothing is known, and "bot" with the reason.`
}

// maxEnrichLine is the longest line that is read: a request's headers may have 1 MiB.
const maxEnrichLine = 2 << 20

func (cmd *enrichCmd) Run(t terminal) error {
	c, err := cmd.compile("production")
	if err != nil {
		return err
	}
	if _, err := c.openGeo(); err != nil {
		return err
	}
	e := c.enricher()
	e.agents.Warm()
	in := bufio.NewReaderSize(os.Stdin, 64<<10)
	lines, bad := 0, 0
	var answers []byte
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return failed(fmt.Errorf("standard input: %w", err))
		}
		lines++
		var answer []byte
		if err == nil {
			answer, err = e.line(line)
		}
		if err != nil {
			bad++
			answer, _ = json.Marshal(map[string]string{"error": fmt.Sprintf("line %d: %v", lines, err)})
		}
		answers = append(append(answers, answer...), '\n')
		if in.Buffered() == 0 || len(answers) > 64<<10 { // whoever wrote this line may wait for the answer
			if _, err := t.out.Write(answers); err != nil {
				return failed(err)
			}
			answers = answers[:0]
		}
	}
	if _, err := t.out.Write(answers); err != nil {
		return failed(err)
	}
	if bad > 0 {
		return failed(fmt.Errorf("%d of %d lines could not be read: each has a line with \"error\"", bad, lines))
	}
	return nil
}

var errLongLine = fmt.Errorf("it is longer than %d bytes", maxEnrichLine)

// readLine reads a line without its end. The rest of a line that is too long is skipped.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line) <= maxEnrichLine {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(line) == 0):
			return nil, err
		case len(line) > maxEnrichLine:
			return nil, errLongLine
		}
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// An enricher says what a session would say of a visitor.
type enricher struct {
	config *config
	agents *enrich.Agents
}

func (c *config) enricher() *enricher {
	return &enricher{config: c, agents: c.Rules.WithOwn(c.OwnAgents...).Agents(0).Thorough()}
}

// A visitorLine is what is known of a visitor. Of a nil pointer nothing is known.
type visitorLine struct {
	UserAgent *string                `json:"userAgent"`
	Referrer  *string                `json:"referrer"`
	URL       *string                `json:"url"`
	IP        *string                `json:"ip"`
	Headers   map[string]headerLines `json:"headers"`
}

// headerLines are a header's values: a text, or a list of texts.
type headerLines []string

func (h *headerLines) UnmarshalJSON(b []byte) error {
	var one *string
	if json.Unmarshal(b, &one) == nil {
		if *h = nil; one != nil {
			*h = headerLines{*one}
		}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) != nil {
		return errors.New("a header is a text or a list of texts")
	}
	*h = many
	return nil
}

// A sessionLine is the enriched fields of a session, in the spelling of sessions.
type sessionLine struct {
	IPAddress   *string `json:"ipAddress"`
	UserAgent   *string `json:"userAgent"`
	Country     *string `json:"country"`
	City        *string `json:"city"`
	Device      *string `json:"device"`
	Browser     *string `json:"browser"`
	OS          *string `json:"os"`
	LandingPage *string `json:"landingPage"`
	Referrer    *string `json:"referrer"`
	Channel     *string `json:"channel"`
	Source      *string `json:"source"` // by which reports group
	UTMSource   *string `json:"utmSource"`
	UTMMedium   *string `json:"utmMedium"`
	UTMCampaign *string `json:"utmCampaign"`
	UTMTerm     *string `json:"utmTerm"`
	UTMContent  *string `json:"utmContent"`
	ClickID     *string `json:"clickId"` // its name
	Bot         *string `json:"bot"`     // why no person made the request
	Shadow      *string `json:"shadow"`  // the rule that would say so if it were enforced
}

// known is a text, nil if nothing is known.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// line answers one line.
func (e *enricher) line(text []byte) ([]byte, error) {
	var in visitorLine
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t"), []byte("{")) {
		return nil, errors.New("it is no JSON object")
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("it is no JSON object of texts: %w", err)
	}
	r := in.request()
	var out sessionLine
	e.address(r, &out)
	e.agent(&in, r, &out)
	e.page(&in, r, &out)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// request is the request that the visitor would have made.
func (in *visitorLine) request() *http.Request {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}}
	for name, lines := range in.Headers {
		for _, line := range lines {
			r.Header.Add(name, line)
		}
	}
	if in.UserAgent != nil {
		r.Header.Set("User-Agent", *in.UserAgent)
	}
	if in.Referrer != nil {
		r.Header.Set("Referer", *in.Referrer)
	}
	if in.IP != nil {
		r.RemoteAddr = strings.TrimSpace(*in.IP)
	}
	r.Host = r.Header.Get("Host")
	if in.URL != nil {
		r.RequestURI = strings.TrimSpace(*in.URL)
		if _, rest, ok := strings.Cut(r.RequestURI, "://"); ok {
			host, path := rest, ""
			if i := strings.IndexAny(rest, "/?#"); i >= 0 {
				host, path = rest[:i], rest[i:]
			}
			if r.RequestURI = path; !strings.HasPrefix(path, "/") {
				r.RequestURI = "/" + path
			}
			r.Host = host
		}
		r.RequestURI, _, _ = strings.Cut(r.RequestURI, "#")
	}
	return r
}

func (e *enricher) address(r *http.Request, out *sessionLine) {
	proxies := enrich.Proxies{Networks: e.config.TrustedProxies, UnixSocket: e.config.TrustUnixSocket}
	addr, _ := proxies.ClientAddr(r)
	if !addr.IsValid() {
		return
	}
	if out.IPAddress = known(enrich.MaskAddr(addr)); e.config.FullAddresses {
		out.IPAddress = known(addr.String())
	}
	if e.config.Locate != nil {
		country, city := e.config.Locate(addr)
		out.Country, out.City = known(country), known(city)
	}
}

func (e *enricher) agent(in *visitorLine, r *http.Request, out *sessionLine) {
	if in.UserAgent == nil && in.Headers == nil {
		return
	}
	agent, text := e.agents.LookupText(r.Header)
	out.UserAgent = known(text)
	if shadow := e.agents.Shadow(r.Header); shadow != nil {
		out.Shadow = known(shadow.Pattern())
	}
	out.Device, out.Browser, out.OS, out.Bot = known(agent.Device), known(agent.Browser), known(agent.OS), known(agent.Bot)
}

func (e *enricher) page(in *visitorLine, r *http.Request, out *sessionLine) {
	referer := r.Header.Get("Referer")
	if in.URL == nil && referer == "" && in.Headers == nil && in.Referrer == nil {
		return
	}
	var page enrich.Page
	if len(r.Header["Sec-Fetch-Mode"]) > 0 { // then it is known what the request was for
		page = e.config.Rules.Sites().PageFromRequest(r, e.isOwn)
	} else {
		location := ""
		if in.URL != nil {
			location = *in.URL
		}
		page = e.config.Rules.Sites().PageFromScript(location, referer, e.isOwn)
	}
	origin := e.config.Rules.Sites().Origin(page)
	out.LandingPage, out.Referrer, out.Channel, out.Source = known(page.Path), known(page.Referrer), known(origin.Channel), known(origin.Source)
	out.UTMSource, out.UTMMedium, out.UTMCampaign = known(page.UTM.Source), known(page.UTM.Medium), known(page.UTM.Campaign)
	out.UTMTerm, out.UTMContent, out.ClickID = known(page.UTM.Term), known(page.UTM.Content), known(page.ClickID.Name)
}

// isOwn reports whether a host is the shop's.
func (e *enricher) isOwn(host string) bool {
	for _, own := range e.config.OwnHosts {
		own, _, _ = strings.Cut(own, ":")
		if strings.EqualFold(strings.TrimSuffix(own, "."), host) {
			return true
		}
	}
	return false
}
