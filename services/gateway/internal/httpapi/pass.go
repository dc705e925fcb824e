package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

// passed are the headers of clients that services see; everything else stays here, above all what sidecars and services
// say to each other. The transport adds request id and trace.
var passed = []string{
	"Accept", "Accept-Language", "Content-Language", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "If-Modified-Since",
	"Prefer", "User-Agent",
}

// held back from answers: the edge has its own.
var ownHeaders = []string{"Traceparent", "Tracestate", "X-Request-Id", "X-Content-Type-Options", "Server"}

// answered looks at what came back before it goes out: our services say errors in problem documents, so any other error was
// made by something in between.
func answered(resp *http.Response) error {
	for _, name := range ownHeaders {
		delete(resp.Header, name)
	}
	for name := range resp.Header {
		if strings.HasPrefix(name, "Dapr-") || strings.HasPrefix(name, "Grpc-") {
			delete(resp.Header, name)
		}
	}
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == httpx.ContentTypeProblem {
		return nil
	}
	cause := fmt.Errorf("%s answered %d as %.40q", resp.Request.URL.Host, resp.StatusCode, media)
	switch {
	case resp.StatusCode >= http.StatusInternalServerError:
		return fault.New(fault.Timeout, "timeout", "no usable answer: the outcome is unknown").WithCause(cause)
	case resp.StatusCode == http.StatusNotFound:
		return errNoPath.WithCause(cause)
	case resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge: // sidecars take 8 KiB
		return fault.New(fault.Malformed, "headers-too-long", "address and headers are longer than can be passed on").WithCause(cause)
	}
	return httpx.ParseProblem(resp.StatusCode, nil).WithCause(cause)
}

// unavailableRetry is what callers are told when a service was surely not reached.
const unavailableRetry = time.Second

// failed answers for a service that did not.
func (e *edge) failed(w http.ResponseWriter, r *http.Request, err error) {
	var broken *bodyError
	f, ok := fault.As(err)
	switch {
	case errors.As(err, &broken):
		err = broken.Fault
		w.Header().Set("Connection", "close") // what is left of the body is not read
	case errors.Is(context.Cause(r.Context()), context.Canceled):
		err = fmt.Errorf("the client has gone: %w", context.Canceled)
	case ok && f.Kind == fault.Unavailable && f.RetryAfter == 0:
		err = f.WithRetryAfter(unavailableRetry)
	}
	httpx.WriteProblem(w, r, err)
}

// bodyError is a fault of the client's body, found while it is sent on.
type bodyError struct{ *fault.Fault }

// body ends with a bodyError when it is longer than its limit or breaks off.
type body struct {
	from  io.ReadCloser
	left  int64
	limit int64
}

func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more, to see whether there is more
	}
	n, err := b.from.Read(p)
	if int64(n) > b.left {
		n, b.left = int(b.left), 0
		return n, &bodyError{tooLarge(b.limit)}
	}
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyError{fault.New(fault.Malformed, "malformed", "the body broke off").WithCause(err)}
	}
	return n, err
}

func (b *body) Close() error { return b.from.Close() }

// buffers lends the space in which answers are copied.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferSize]byte)(p)) }
