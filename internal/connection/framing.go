package connection

import "net/http"

// CloseAfter has the connection of a request closed behind the answer whose header this
// is, if the request's end may be in doubt: if it was sent in chunks over HTTP/1.
//
// A request that has Content-Length and Transfer-Encoding may end elsewhere for a proxy
// in front than for this server, so that what follows on the connection may be a request
// that nobody sent: RFC 9112, section 6.1, says that the server must close it. net/http
// reads such a request by its chunks and removes Content-Length before anybody sees it.
// So all requests in chunks are treated like that; browsers send none over HTTP/1.
func CloseAfter(r *http.Request, header http.Header) {
	if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
		header.Set("Connection", "close")
	}
}

// closing is a handler that calls CloseAfter before another.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		CloseAfter(r, w.Header())
		next.ServeHTTP(w, r)
	})
}
