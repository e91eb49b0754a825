package dashboard_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/footfall-go/footfall/report"
)

// The OpenAPI file names the reports, the parameters, the dimensions and the members that
// there are, and no others.
func TestOpenAPI_SaysWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type schema struct {
		Pattern string
		Enum    []string
		Items   *schema
	}
	var api struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name, In string
					Schema   schema
				}
				Responses map[string]struct {
					Content map[string]struct {
						Schema struct{ Properties map[string]any }
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := yaml.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	get := api.Paths["/_footfall/api/report/{names}"].Get
	var parameters []string
	for _, p := range get.Parameters {
		switch {
		case p.In == "path":
			if !slices.Equal(p.Schema.Items.Enum, report.Names()) {
				t.Errorf("the file names the reports %v, and there are %v", p.Schema.Items.Enum, report.Names())
			}
			continue
		case p.Name == "filter":
			for _, d := range report.Dimensions {
				if !strings.Contains(p.Schema.Items.Pattern, string(d)) {
					t.Errorf("the pattern of filter %q leaves out %s", p.Schema.Items.Pattern, d)
				}
			}
		}
		parameters = append(parameters, p.Name)
	}
	if want := report.Parameters(); !slices.Equal(parameters, want) {
		t.Errorf("the file names the parameters %v, and there are %v", parameters, want)
	}
	members, figures := get.Responses["200"].Content["application/json"].Schema.Properties, api.Components.Schemas["row"].Properties
	h := reporting(t)
	for _, name := range report.Names() {
		w := getReport(t, h, name+"?compare=previous&limit=1")
		for member := range w {
			if members[member] == nil {
				t.Errorf("%s has the member %q, which the file does not name", name, member)
			}
		}
		for _, f := range report.Fields(name) {
			if figures[f] == nil {
				t.Errorf("%s has the figure %q, which the file does not name", name, f)
			}
		}
	}
}

func getReport(t *testing.T, h http.Handler, target string) (members map[string]json.RawMessage) {
	t.Helper()
	w := get(t, h, "/_footfall/api/report/"+target, token)
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", target, w.Code, w.Body, err)
	}
	return members
}
