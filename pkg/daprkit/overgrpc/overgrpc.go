// Package overgrpc carries HTTP requests between apps in unary gRPC calls, which sidecars proxy at half the cost of invocation.
//
// Daprd takes an HTTP invocation apart and puts it together again at both ends; a gRPC call of a service that it does not know it
// passes on frame by frame. So the request travels as it would on a wire of its own, an HTTP/1.1 message in the one frame of a
// call, and the answer likewise: what an app serves, its paths, headers and statuses stay the same whichever way a call comes.
//
//	caller ─ Do ─► own sidecar ─► callee's sidecar ─► the app's port ─ Server ─► its http.Handler
//	                     (metadata: dapr-app-id)          (the same port as HTTP: Split tells them apart)
//
// Whom to trust is told by the metadata, which sidecars write, and never by the message, which the caller wrote: headers that begin
// with "dapr-" are dropped from a message and taken from the metadata.
//
// What may go wrong: a message over MaxMessage does not pass (callers take the plain way for it, see Plain and Whole); an app whose port
// speaks HTTP/1.1 alone, or one that is away, fails as gRPC's Unavailable with a text that says that no connection was made.
package overgrpc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	service = "sidecart.http.v1.HTTP"
	method  = "Exchange"
	// Method is the full name of the one method there is.
	Method = "/" + service + "/" + method

	// MaxMessage is the largest request or answer, in bytes: what a sidecar passes on by default, less what it adds.
	MaxMessage = 4<<20 - 64<<10
)

// ErrTooLarge refuses a request that is too large; nothing was sent.
var ErrTooLarge = errors.New("overgrpc: the request is too large for a frame")

// frame is a codec for messages that are bytes already. It goes by the name of the codec that every gRPC server knows.
type frame struct{}

func (frame) Name() string { return "proto" }

func (frame) Marshal(v any) ([]byte, error) {
	if b, ok := v.(*[]byte); ok {
		return *b, nil
	}
	return nil, fmt.Errorf("overgrpc: %T is no frame", v)
}

func (frame) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("overgrpc: %T is no frame", v)
	}
	*b = data
	return nil
}

var _ encoding.Codec = frame{}

// Do sends req over a connection to the own sidecar, to the app that its URL's host names. The error is ErrTooLarge, that of
// reading the body, or gRPC's.
func Do(conn grpc.ClientConnInterface, req *http.Request) (*http.Response, error) {
	var out bytes.Buffer
	if req.ContentLength > MaxMessage {
		return nil, ErrTooLarge
	}
	out.Grow(1024 + int(max(req.ContentLength, 0)))
	if err := req.Write(&out); err != nil {
		return nil, fmt.Errorf("overgrpc: write: %w", err)
	}
	if out.Len() > MaxMessage {
		return nil, ErrTooLarge
	}
	in, data := []byte(nil), out.Bytes()
	ctx := metadata.AppendToOutgoingContext(req.Context(), "dapr-app-id", req.URL.Host)
	if err := conn.Invoke(ctx, Method, &data, &in, grpc.ForceCodec(frame{})); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(in), readBuffer), req)
	if err != nil {
		return nil, status.Error(codes.Internal, "overgrpc: the answer is no HTTP message: "+err.Error())
	}
	return resp, nil
}

// NewServer returns a gRPC server that answers with h.
func NewServer(h http.Handler) *grpc.Server {
	s := grpc.NewServer(grpc.ForceServerCodec(frame{}), grpc.MaxRecvMsgSize(MaxMessage+64<<10), grpc.MaxSendMsgSize(MaxMessage+64<<10),
		grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(4<<20))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: method,
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in []byte
			if err := decode(&in); err != nil {
				return nil, err
			}
			return answer(ctx, h, in)
		},
	}}}, nil)
	return s
}

const readBuffer = 2 << 10 // most heads fit; bodies are read past it

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

func answer(ctx context.Context, h http.Handler, in []byte) (any, error) {
	buffered := readers.Get().(*bufio.Reader) //nolint:forcetypeassert // nothing else is in it
	defer readers.Put(buffered)
	buffered.Reset(bytes.NewReader(in))
	req, err := http.ReadRequest(buffered)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "overgrpc: the request is no HTTP message: "+err.Error())
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for name := range req.Header {
		if strings.HasPrefix(name, "Dapr-") {
			delete(req.Header, name)
		}
	}
	for name, values := range md {
		if strings.HasPrefix(name, "dapr-") {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	a := recorder{header: http.Header{}}
	a.serve(h, req.WithContext(ctx))
	if a.cut {
		return nil, status.Error(codes.Aborted, "overgrpc: the handler broke off")
	}
	out := a.message(req.Method)
	if len(out) > MaxMessage {
		return nil, status.Error(codes.ResourceExhausted, "overgrpc: the answer is too large for a frame")
	}
	return &out, nil
}

// recorder keeps an answer until it is whole.
type recorder struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
	cut    bool
}

// serve lets the handler answer. One that panics costs its own call and nothing else, as in net/http.
func (a *recorder) serve(h http.Handler, r *http.Request) {
	defer func() {
		v := recover()
		a.cut = v != nil
		if err, ok := v.(error); v != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
			slog.ErrorContext(r.Context(), "a handler panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	h.ServeHTTP(a, r)
}

func (a *recorder) Header() http.Header { return a.header }

func (a *recorder) WriteHeader(code int) {
	if a.status == 0 && code >= http.StatusOK {
		a.status, a.sent = code, a.header.Clone()
	}
}

func (a *recorder) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

var _ io.Writer = (*recorder)(nil)

// finish completes the head of the answer.
func (a *recorder) finish() {
	a.WriteHeader(http.StatusOK)
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		a.body.Reset()
		a.sent.Del("Content-Length")
	} else {
		a.sent.Set("Content-Length", strconv.Itoa(a.body.Len()))
		if a.sent.Get("Content-Type") == "" && a.body.Len() > 0 {
			a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
		}
	}
}

// message writes the answer as HTTP/1.1 does.
func (a *recorder) message(asked string) []byte {
	a.finish()
	var out bytes.Buffer
	out.Grow(512 + a.body.Len())
	out.WriteString("HTTP/1.1 ")
	out.WriteString(strconv.Itoa(a.status))
	out.WriteByte(' ')
	out.WriteString(http.StatusText(a.status))
	out.WriteString("\r\n")
	_ = a.sent.Write(&out) // a buffer takes everything
	out.WriteString("\r\n")
	if asked != http.MethodHead {
		out.Write(a.body.Bytes())
	}
	return out.Bytes()
}
