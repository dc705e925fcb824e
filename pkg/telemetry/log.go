package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

const traceID = "trace_id"

// NewLogger returns a logger of JSON lines that adds the trace id of the context, unless the line has one. Times are RFC 3339
// UTC, durations are milliseconds under a key that ends in _ms.
func NewLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: plain})})
}

func plain(groups []string, a slog.Attr) slog.Attr {
	switch {
	case a.Key == slog.TimeKey && len(groups) == 0 && a.Value.Kind() == slog.KindTime:
		return slog.Time(a.Key, a.Value.Time().UTC())
	case a.Value.Kind() == slog.KindDuration:
		return slog.Float64(a.Key+"_ms", float64(a.Value.Duration().Microseconds())/1000)
	default:
		return a
	}
}

type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() && !says(r) {
		r = r.Clone()
		r.AddAttrs(slog.String(traceID, sc.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func says(r slog.Record) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == traceID
		return !found
	})
	return found
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }
func (h traced) WithGroup(name string) slog.Handler       { return traced{h.Handler.WithGroup(name)} }
