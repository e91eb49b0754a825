package frameworks

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Gin runs a net/http middleware, such as tracker.Handler, as a middleware of gin. gin
// holds a status back until the first byte, so what handlers write goes through a writer that
// tells the middleware first. The context for the tracker's methods is c.Request.Context().
func Gin(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		next := func(w http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request, c.Writer = r, &ginWriter{c.Writer, w}
			c.Next()
			c.Writer.(*ginWriter).tell()
		}
		middleware(http.HandlerFunc(next)).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// A ginWriter tells the writer of a middleware of the status before anything is written.
type ginWriter struct {
	gin.ResponseWriter
	tracked http.ResponseWriter // it stands in front of the gin.ResponseWriter
}

func (w *ginWriter) tell() {
	if !w.Written() {
		w.tracked.WriteHeader(w.Status())
	}
}

func (w *ginWriter) WriteHeaderNow() {
	w.tell()
	w.ResponseWriter.WriteHeaderNow()
}

func (w *ginWriter) Write(b []byte) (int, error) {
	w.tell()
	return w.ResponseWriter.Write(b)
}

func (w *ginWriter) WriteString(s string) (int, error) {
	w.tell()
	return w.ResponseWriter.WriteString(s)
}

func (w *ginWriter) Flush() {
	w.tell()
	w.ResponseWriter.Flush()
}

func (w *ginWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.tracked).Hijack()
}

func (w *ginWriter) Unwrap() http.ResponseWriter { return w.tracked }
