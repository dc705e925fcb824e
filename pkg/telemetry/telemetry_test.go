package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/telemetry"
)

func line(t *testing.T, out *bytes.Buffer) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	out.Reset()
	return m
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	id := trace.TraceID{1, 2, 3}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}}))

	log.InfoContext(ctx, "hello", "took", 1500*time.Microsecond, "n", 1)
	if m := line(t, &out); m["trace_id"] != id.String() || m["took_ms"] != 1.5 || m["n"] != 1.0 || !strings.HasSuffix(m["time"].(string), "Z") {
		t.Errorf("%v", m)
	}
	log.With("a", 1).InfoContext(ctx, "hello", "trace_id", "mine")
	if m := line(t, &out); m["trace_id"] != "mine" || m["a"] != 1.0 {
		t.Errorf("%v", m)
	}
	log.WithGroup("g").InfoContext(t.Context(), "hello", "a", 1)
	if m := line(t, &out); m["trace_id"] != nil || m["g"].(map[string]any)["a"] != 1.0 {
		t.Errorf("%v", m)
	}
	log.DebugContext(ctx, "quiet")
	if out.Len() != 0 {
		t.Errorf("below the level: %s", out.String())
	}
}

// collector is an OTLP receiver that keeps the names of what it got.
type collector struct {
	collecttrace.UnimplementedTraceServiceServer
	mu    sync.Mutex
	names map[string]bool
}

func (c *collector) note(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[name] = true
}

func (c *collector) Export(_ context.Context, r *collecttrace.ExportTraceServiceRequest) (*collecttrace.ExportTraceServiceResponse, error) {
	for _, resource := range r.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			c.note(a.GetKey() + "=" + a.GetValue().GetStringValue())
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.note("span " + span.GetName())
			}
		}
	}
	return &collecttrace.ExportTraceServiceResponse{}, nil
}

type metricCollector struct {
	collectmetrics.UnimplementedMetricsServiceServer
	*collector
}

func (c metricCollector) Export(_ context.Context, r *collectmetrics.ExportMetricsServiceRequest) (*collectmetrics.ExportMetricsServiceResponse, error) {
	for _, resource := range r.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				c.note("metric " + m.GetName())
			}
		}
	}
	return &collectmetrics.ExportMetricsServiceResponse{}, nil
}

// TestSetup is the only test that sets the process's tracer, so it is not parallel.
func TestSetup(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{names: map[string]bool{}}
	server := grpc.NewServer()
	collecttrace.RegisterTraceServiceServer(server, c)
	collectmetrics.RegisterMetricsServiceServer(server, metricCollector{collector: c})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	var out bytes.Buffer
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{
		Service: "test", Version: "1.2.3", OTLPEndpoint: "http://" + listener.Addr().String(), SampleRate: 1, Output: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "things_total", Help: "Things."})
	tel.Registry.MustRegister(counter)
	counter.Inc()

	s := httpx.New(httpx.Config{Log: tel.Log, Metrics: tel.Registry})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/nowhere", nil))
	if m := line(t, &out); m["service"] != "test" || !strings.Contains(w.Header().Get("Traceparent"), m["trace_id"].(string)+"-") || !strings.HasSuffix(w.Header().Get("Traceparent"), "-01") {
		t.Errorf("log %v, header %s", m, w.Header().Get("Traceparent"))
	}

	w = httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"things_total 1", `build_info{service="test",version="1.2.3"} 1`, "go_goroutines", "process_cpu_seconds_total", "http_server_request_duration_seconds_bucket"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}

	otel.Handle(errors.New("away 1"))
	otel.Handle(errors.New("away 2"))
	if m := line(t, &out); m["error"] != "away 1" || m["level"] != "WARN" {
		t.Errorf("errors of exports: %v", m)
	}

	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, want := range []string{"span GET unmatched", "service.name=test", "metric things_total", "metric http_server_request_duration_seconds"} {
		if !c.names[want] {
			t.Errorf("the collector has no %s, but %v", want, c.names)
		}
	}
}

func TestSetupRefusesAnEndpointThatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"://", "collector:4317", "ftp://collector", "http://"} {
		if _, err := telemetry.Setup(t.Context(), telemetry.Config{Service: "test", OTLPEndpoint: endpoint, Output: io.Discard}); err == nil {
			t.Errorf("%s was taken", endpoint)
		}
	}
}
