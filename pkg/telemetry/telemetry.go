// Package telemetry sets up what a process says about itself: logs, traces and metrics.
//
// Logs are JSON lines on standard output, each with the trace id of its context. Traces follow the W3C context that came in, or
// are begun here at SampleRate; metrics are Prometheus's, at /metrics on a port of their own. Where an OTLP endpoint is
// configured, traces and the same metrics are sent there too. A collector that is away costs nothing but its data: exports
// happen in the background, are bounded, and their errors are logged at most once a minute.
//
// Setup also sets OpenTelemetry's process-wide tracer provider and propagator, because libraries look there. main calls it once.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	prombridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/run"
)

// Config of the telemetry. Only Service is needed.
type Config struct {
	Service      string     // name of the program, "cart"
	Version      string     // of the build
	LogLevel     slog.Level // lines below it are not written
	OTLPEndpoint string     // URL of a collector's gRPC receiver, "http://collector:4317"; empty: nothing is sent
	SampleRate   float64    // of traces that begin here, 0 to 1
	Output       io.Writer  // of the log; standard output when nil
}

// Telemetry is what Setup made.
type Telemetry struct {
	Log      *slog.Logger
	Registry *prometheus.Registry
	Tracer   *trace.TracerProvider

	metrics *metric.MeterProvider // nil without OTLP
}

// Setup makes logger, registry and tracer. It fails only for an endpoint that is no URL: a collector that is away is no error.
func Setup(ctx context.Context, c Config) (*Telemetry, error) {
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("OTLP endpoint %q is no http or https URL", c.OTLPEndpoint)
	}
	out := c.Output
	if out == nil {
		out = os.Stdout
	}
	log := NewLogger(out, c.LogLevel).With("service", c.Service)
	t := &Telemetry{Log: log, Registry: newRegistry(c)}
	self := resource.NewSchemaless(attribute.String("service.name", c.Service), attribute.String("service.version", c.Version))
	options := []trace.TracerProviderOption{
		trace.WithResource(self), trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(c.SampleRate))),
	}
	if c.OTLPEndpoint != "" {
		spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(c.OTLPEndpoint))
		if err != nil {
			return nil, fmt.Errorf("send traces to %s: %w", c.OTLPEndpoint, err)
		}
		points, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpointURL(c.OTLPEndpoint))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("send metrics to %s: %w", c.OTLPEndpoint, err), spans.Shutdown(ctx))
		}
		options = append(options, trace.WithBatcher(spans))
		bridge := prombridge.NewMetricProducer(prombridge.WithGatherer(t.Registry))
		t.metrics = metric.NewMeterProvider(metric.WithResource(self),
			metric.WithReader(metric.NewPeriodicReader(points, metric.WithProducer(bridge), metric.WithInterval(15*time.Second))))
	}
	t.Tracer = trace.NewTracerProvider(options...)
	otel.SetTracerProvider(t.Tracer)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetErrorHandler(seldom(log))
	return t, nil
}

func newRegistry(c Config) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "Always 1; says what runs.",
		ConstLabels: prometheus.Labels{"service": c.Service, "version": c.Version},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// seldom logs the errors of exports at most once a minute: a collector that is away fails with every batch.
func seldom(log *slog.Logger) otel.ErrorHandler {
	var next atomic.Int64 // unix nanoseconds
	return otel.ErrorHandlerFunc(func(err error) {
		now, due := time.Now(), next.Load()
		if now.UnixNano() >= due && next.CompareAndSwap(due, now.Add(time.Minute).UnixNano()) {
			log.Warn("telemetry is not delivered", "error", err)
		}
	})
}

// MetricsHandler serves the registry in Prometheus's text form.
func (t *Telemetry) MetricsHandler() http.Handler {
	return promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// MetricsService serves /metrics at addr, a port of its own: it asks for no token.
func (t *Telemetry) MetricsService(addr string) run.Service {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", t.MetricsHandler())
	return httpx.Listen(addr, mux)
}

// Shutdown sends what is left, until ctx ends.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	err := t.Tracer.Shutdown(ctx)
	if t.metrics != nil {
		err = errors.Join(err, t.metrics.Shutdown(ctx))
	}
	return err
}
