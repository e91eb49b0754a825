package footfall

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Imports run one way: what a package of the project may import of it.
var mayImport = map[string][]string{
	"store":                         {"internal/jsontext"},
	"internal/jsontext":             {},
	"internal/clock":                {"store"},
	"internal/count":                {},
	"internal/day":                  {},
	"internal/cookie":               {"internal/clock", "internal/secret", "internal/uuidtext", "store"},
	"internal/firstbyte":            {},
	"internal/uuidtext":             {},
	"internal/turn":                 {},
	"internal/wire":                 {"internal/clock", "internal/jsontext", "internal/uuidtext", "store"},
	"internal/oserror":              {},
	"internal/timetext":             {},
	"internal/guard":                {"internal/count", "store"},
	"internal/revoked":              {"internal/clock", "internal/count", "store"},
	"internal/live":                 {"internal/clock", "internal/count", "internal/journal", "store"},
	"internal/outbox":               {"internal/clock", "internal/count", "internal/guard", "internal/journal", "internal/jsontext", "internal/live", "internal/memory", "internal/turn", "internal/wire", "store"},
	"internal/hot":                  {"internal/clock", "internal/count", "internal/guard", "internal/jsontext", "internal/live", "internal/outbox", "internal/wire", "store"},
	"internal/sessions":             {"enrich", "internal/clock", "internal/cookie", "internal/count", "internal/guard", "internal/hot", "internal/live", "internal/outbox", "internal/revoked", "store"},
	"internal/legacy":               {"enrich", "internal/clock", "internal/cookie", "internal/count", "internal/guard", "internal/live", "internal/sessions", "store"},
	"internal/orders":               {"enrich", "internal/clock", "internal/count", "internal/guard", "internal/live", "internal/outbox", "internal/sessions", "store"},
	"internal/jobs":                 {"internal/clock", "internal/count", "internal/day", "internal/guard", "store"},
	"internal/notices":              {"enrich"},
	"internal/request":              {"enrich", "internal/clock", "internal/connection", "internal/cookie", "internal/count", "internal/firstbyte", "internal/guard", "internal/hot", "internal/jsontext", "internal/legacy", "internal/live", "internal/notices", "internal/outbox", "internal/sessions", "store"},
	"":                              {"enrich", "internal/clock", "internal/cookie", "internal/count", "internal/doubts", "internal/guard", "internal/hot", "internal/jobs", "internal/journal", "internal/legacy", "internal/live", "internal/loglimit", "internal/memory", "internal/notices", "internal/orders", "internal/outbox", "internal/request", "internal/revoked", "internal/sessions", "internal/timetext", "store"},
	"footfalltest":                  {"", "memstore", "sqlitearchive", "store"},
	"enrich":                        {"internal/jsontext"},
	"geoip":                         {"enrich"},
	"internal/mmdbtest":             {},
	"internal/journal":              {"internal/oserror"},
	"internal/redisrecord":          {"store"},
	"internal/memory":               {},
	"memstore":                      {"internal/memory", "internal/uuidtext", "store"},
	"redisstore":                    {"internal/redisrecord", "store"},
	"upstashstore":                  {"internal/redisrecord", "store"},
	"report":                        {"enrich", "internal/day", "store"},
	"report/engine":                 {"internal/count", "internal/memory", "report", "store"},
	"internal/ledger":               {"report", "report/engine", "store"},
	"sqlitearchive":                 {"internal/jsontext", "internal/memory", "internal/oserror", "internal/timetext", "internal/turn", "internal/uuidtext", "report", "store"},
	"mongoarchive":                  {"enrich", "internal/jsontext", "internal/secret", "internal/timetext", "report", "store"},
	"dashboard":                     {"", "internal/bearer", "internal/loglimit", "internal/timetext", "report", "report/engine", "store"},
	"internal/bearer":               {"enrich", "internal/count"},
	"internal/doubts":               {"internal/timetext"},
	"internal/build":                {},
	"internal/datadir":              {"internal/oserror"},
	"admin":                         {"", "dashboard", "internal/bearer", "internal/build", "internal/count", "internal/datadir", "internal/loglimit", "internal/notices", "internal/oserror", "internal/secret", "internal/connection", "report"},
	"internal/secret":               {},
	"internal/connection":           {"internal/count", "internal/memory"},
	"httpserver":                    {"internal/connection", "internal/loglimit", "internal/memory", "internal/oserror"},
	"internal/loglimit":             {"internal/count"},
	"loginguard":                    {},
	"internal/shop":                 {"", "enrich", "internal/count", "internal/jsontext", "internal/loglimit", "loginguard", "store"},
	"storetest":                     {"store"},
	"archivetest":                   {"report", "store"},
	"internal/testserver":           {},
	"internal/testserver/restfront": {},
	"internal/faults":               {"internal/testserver"},
	"internal/stage":                {"", "memstore", "sqlitearchive", "store"},
	"internal/scenarios":            {},
	"cmd/footfall":                  {"", "admin", "enrich", "geoip", "internal/build", "internal/cookie", "internal/datadir", "internal/day", "internal/doubts", "internal/loglimit", "internal/oserror", "httpserver", "internal/memory", "internal/secret", "internal/timetext", "store", "dashboard", "internal/shop", "memstore", "redisstore", "upstashstore", "report", "report/engine", "sqlitearchive", "mongoarchive"},
}

func TestImportsRunOneWay(t *testing.T) {
	const module = "github.com/footfall-go/footfall"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, known := mayImport[name]
		if !known && name != "internal/blackbox" {
			t.Errorf("package %s is not in the list of what may import what", name)
		}
		for _, i := range p.Imports {
			if rest, own := strings.CutPrefix(i, module); own && !slices.Contains(allowed, strings.TrimPrefix(rest, "/")) {
				t.Errorf("%s imports %s: imports run one way", name, i)
			}
		}
	}
}

// What a newcomer has to read first stays small.
func TestRootIsSmall(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources, names := 0, map[string]bool{}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		sources++
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = true
						}
					}
				}
			}
		}
	}
	exported := 0
	for name := range names {
		if ast.IsExported(name) {
			exported++
		}
	}
	if sources > 12 {
		t.Errorf("the root package has %d source files: at most 12", sources)
	}
	if exported > 48 {
		t.Errorf("the root package exports %d names: at most 48 (docs/decisions/0017)", exported)
	}
	t.Logf("%d source files, %d exported names", sources, exported)
}
