package daprkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"github.com/sidecart/sidecart/pkg/daprkit/overgrpc"
	"github.com/sidecart/sidecart/pkg/fault"
)

// maxMessage is the largest gRPC message in either direction, in bytes. Daprd's own limit (--max-body-size) may be lower.
const maxMessage = 32 << 20

const apiTokenHeader = "dapr-api-token"

// Client speaks to the own sidecar. It is safe for concurrent use, and one per process is enough.
type Client struct {
	cfg  Config
	log  *slog.Logger
	conn *grpc.ClientConn
	sdk  dapr.Client
	http *transport

	calls *prometheus.CounterVec
}

// newCalls counts what an app asks of its own sidecar, by the method of the sidecar's API; Invoke is what another app is asked.
func newCalls() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dapr_calls_total", Help: "Requests to the own sidecar, by what it was asked for."}, []string{"call"})
}

const callInvoke = "Invoke"

// Metrics counts the requests to the sidecar.
func (c *Client) Metrics() prometheus.Collector { return c.calls }

// Connect prepares the connections to the own sidecar and returns at once, whether the sidecar runs or not: calls fail as
// fault.Unavailable until it does, and reconnect within a second when it comes back. The error is one of configuration.
func Connect(_ context.Context, cfg Config, log *slog.Logger) (*Client, error) {
	if cfg.GRPCAddr == "" || cfg.HTTPAddr == "" {
		return nil, fmt.Errorf("daprkit: both addresses of the sidecar are needed (%s)", cfg)
	}
	calls := newCalls()
	conn, err := grpc.NewClient("passthrough:///"+cfg.GRPCAddr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		grpc.WithIdleTimeout(0),
		// The default back-off keeps an app off a sidecar that has come back for seconds.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}),
		// Given windows spare the pings by which gRPC otherwise measures what they should be, with each burst of data.
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithFilter(traced))),
		grpc.WithChainUnaryInterceptor(counted(calls), unaryToken(cfg.APIToken)),
		grpc.WithStreamInterceptor(streamToken(cfg.APIToken)),
	)
	if err != nil {
		return nil, fmt.Errorf("daprkit: connect to %s: %w", cfg.GRPCAddr, err)
	}
	conn.Connect()
	return &Client{cfg: cfg, log: log, conn: conn, sdk: dapr.NewClientWithConnection(conn), http: newTransport(cfg, conn, calls), calls: calls}, nil
}

// Raw returns the SDK's client for what this package does not cover.
func (c *Client) Raw() dapr.Client { return c.sdk }

// Config returns what the client was made from.
func (c *Client) Config() Config { return c.cfg }

// Close ends the connections; calls under way fail.
func (c *Client) Close() error {
	c.http.base.CloseIdleConnections()
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("daprkit: close: %w", err)
	}
	return nil
}

// Healthy asks the sidecar whether it can send: nil, or fault.Unavailable. For readiness checks.
func (c *Client) Healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.cfg.HTTPAddr+"/v1.0/healthz/outbound", nil)
	if err != nil {
		return fmt.Errorf("daprkit: healthy: %w", err)
	}
	setToken(req.Header, c.cfg.APIToken)
	resp, err := c.http.base.RoundTrip(req)
	if err != nil {
		return errUnavailable("the sidecar does not answer").WithCause(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		return errUnavailable("the sidecar is not ready").WithCause(fmt.Errorf("status %d", resp.StatusCode))
	}
	return nil
}

// traced leaves bindings out of trace propagation: daprd would hand our trace header on to the provider behind the binding,
// whatever the request's metadata says.
func traced(info *stats.RPCTagInfo) bool {
	return !strings.HasSuffix(info.FullMethodName, "/InvokeBinding")
}

// counted counts calls by the last part of their method's name.
func counted(calls *prometheus.CounterVec) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		name := method[strings.LastIndexByte(method, '/')+1:]
		if method == overgrpc.Method {
			name = callInvoke
		}
		calls.WithLabelValues(name).Inc()
		return next(ctx, method, req, reply, cc, opts...)
	}
}

func unaryToken(token string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return next(withToken(ctx, token), method, req, reply, cc, opts...)
	}
}

func streamToken(token string) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return next(withToken(ctx, token), desc, cc, method, opts...)
	}
}

func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, apiTokenHeader, token)
}

func setToken(h http.Header, token string) {
	if token != "" {
		h.Set(apiTokenHeader, token)
	}
}

// errUnavailable is a call that surely was not executed.
func errUnavailable(message string) *fault.Fault {
	return fault.New(fault.Unavailable, "unavailable", message)
}

// errUnknown is a call of which nobody knows whether it was executed.
func errUnknown(message string) *fault.Fault {
	return fault.New(fault.Timeout, "timeout", message)
}

// InvokeBinding calls an output binding, as the SDK's client does. It makes the client fit for bindinghttp.New.
func (c *Client) InvokeBinding(ctx context.Context, in *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	return c.sdk.InvokeBinding(ctx, in)
}
