package pg

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// statements were sent by this process, BEGIN, COMMIT and ROLLBACK included.
var statements = prometheus.NewCounter(prometheus.CounterOpts{Name: "pg_statements_total", Help: "SQL statements sent, BEGIN, COMMIT and ROLLBACK included."})

// Metrics counts what all pools of the process send.
func Metrics() prometheus.Collector { return statements }

// Counter counts the statements that are sent with a context: each item of a batch is one, BEGIN, COMMIT and ROLLBACK are none,
// because every transaction has them. Tests assert on it that a use case costs what it should.
type Counter struct{ n atomic.Int64 }

// Statements returns how many statements were sent so far.
func (c *Counter) Statements() int { return int(c.n.Load()) }

type counterKey struct{}

// WithCounter returns a context whose statements, on pools of [Open], are counted. A counter in an outer context counts no more.
func WithCounter(ctx context.Context) (context.Context, *Counter) {
	c := &Counter{}
	return context.WithValue(ctx, counterKey{}, c), c
}

// countTracer is stateless: the counter travels in the context.
type countTracer struct{}

func (countTracer) add(ctx context.Context, sql string) {
	statements.Inc()
	if c, ok := ctx.Value(counterKey{}).(*Counter); ok && !controlsTransaction(sql) {
		c.n.Add(1)
	}
}

func controlsTransaction(sql string) bool {
	word, _, _ := strings.Cut(sql, " ")
	switch strings.ToLower(word) {
	case "begin", "commit", "rollback":
		return true
	}
	return false
}

func (t countTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	t.add(ctx, q.SQL)
	return ctx
}

func (countTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (countTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (t countTracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	t.add(ctx, q.SQL)
}

func (countTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (t countTracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	t.add(ctx, "copy")
	return ctx
}

func (countTracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}
