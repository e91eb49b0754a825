package frameworks

import (
	"net/http"
	"strings"
)

func cut(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, path
}

func probe(http.ResponseWriter, *http.Request) {}
