package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/footfall-go/footfall/report"
)

// Reported is the answer to a request for several reports.
type Reported struct {
	Reports []report.Answer `json:"reports"`
}

// maxReports is how many reports a request asks for at most.
const maxReports = 20

// heldSince is the time before which sessions were deleted by their age.
func (a *api) heldSince(ctx context.Context) (time.Time, error) {
	r, err := a.Tracker.Retention(ctx, false)
	if err != nil || r.Horizon.IsZero() {
		return time.Time{}, err
	}
	return r.Sessions, nil
}

// questions reads what a request asks for.
func (a *api) questions(r *http.Request) ([]report.Question, string, error) {
	names := strings.Split(r.PathValue("names"), ",")
	if len(names) > maxReports {
		return nil, "", refusal{http.StatusBadRequest, "A request asks for at most 20 reports"}
	}
	p, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", refusal{http.StatusBadRequest, "The parameters are not in the form that URLs have: " + err.Error()}
	}
	format := p.Get("format")
	if format != "" && format != "json" && format != "csv" {
		return nil, "", refusal{http.StatusBadRequest, "format: use json or csv"}
	}
	if format == "csv" && len(names) > 1 {
		return nil, "", refusal{http.StatusBadRequest, "format: CSV has one report: ask for each by itself"}
	}
	var questions []report.Question
	now := time.Now()
	for _, name := range names {
		q, err := report.ParseQuestion(name, p, a.Location, now)
		if err != nil {
			return nil, "", refusal{http.StatusBadRequest, err.Error()}
		}
		questions = append(questions, q)
	}
	return questions, format, nil
}

// report answers with one report, or with several.
func (a *api) report(w http.ResponseWriter, r *http.Request) error {
	if a.engine == nil {
		return refusal{http.StatusNotFound, "This archive has no reports: it is no report.Source"}
	}
	questions, format, err := a.questions(r)
	if err != nil {
		return err
	}
	answers, err := a.engine.Ask(r.Context(), questions...)
	if report.IsMistake(err) {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	if err != nil {
		return err
	}
	var body bytes.Buffer
	kind := "application/json; charset=utf-8"
	switch {
	case format == "csv":
		kind = "text/csv; charset=utf-8"
		w.Header().Set("Content-Disposition", `attachment; filename="footfall-`+questions[0].Report+`.csv"`)
		err = answers[0].WriteCSV(&body)
	case len(answers) == 1:
		err = json.NewEncoder(&body).Encode(answers[0])
	default:
		err = json.NewEncoder(&body).Encode(Reported{answers})
	}
	if err != nil {
		return err
	}
	secure(w.Header(), kind)
	_, _ = w.Write(body.Bytes())
	return nil
}
