package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/sidecart/sidecart/pkg/fault"
)

// SQLSTATE codes that the package acts upon: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeSerialization = "40001" // serialization_failure
	codeDeadlock      = "40P01" // deadlock_detected
	codeLockTimeout   = "55P03" // lock_not_available
	codeCancelled     = "57014" // query_canceled: statement_timeout, or the client asked for it
	codeReadOnly      = "25006" // read_only_sql_transaction: a standby, after a fail-over

	classConnection = "08"  // connection_exception
	classResources  = "53"  // insufficient_resources: too many connections, disk full, out of memory
	classShutdown   = "57P" // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped
	classIntegrity  = "23"  // integrity_constraint_violation
)

// The codes of the faults that the package makes.
const (
	codeUnavailable = "database-unavailable"
	codeUnknown     = "database-timeout"
)

var (
	unavailable = fault.New(fault.Unavailable, codeUnavailable, "The database cannot be reached now.")
	busy        = fault.New(fault.Unavailable, codeUnavailable, "Too many changes at once: repeat the request.")
	unknown     = fault.New(fault.Timeout, codeUnknown, "The database did not answer in time.")
)

// Code returns the SQLSTATE of the first Postgres error in the chain of err, or "".
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Violates reports whether err says that the named constraint (or unique index) was violated.
func Violates(err error, constraint string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(e.Code, classIntegrity) && e.ConstraintName == constraint
}

// IsUnavailable reports whether err says that the database surely did not execute the statement because it cannot work now:
// no connection, going down or coming up, out of connections, memory or disk.
func IsUnavailable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // the caller left: says nothing about the database
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	code := Code(err)
	return strings.HasPrefix(code, classResources) || strings.HasPrefix(code, classConnection) || shuttingDown(err) || code == codeReadOnly ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, puddle.ErrClosedPool) || (lost(err) && neverSent(err) && !errors.Is(err, context.DeadlineExceeded))
}

// AsFault classes the failures of the database itself, as the package comment lists them, for a statement that runs outside of
// [InTx]; every other error, faults and nil included, is returned as it is.
func AsFault(err error) error {
	if _, ok := fault.As(err); !ok && lost(err) && !errors.Is(err, context.Canceled) && !IsUnavailable(err) {
		return unknown.WithCause(err)
	}
	return classify(err)
}

// classify is AsFault for an error that does not tell of a broken connection.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	switch code := Code(err); {
	case errors.Is(err, context.Canceled):
		return err
	case code == codeSerialization || code == codeDeadlock || code == codeLockTimeout:
		return busy.WithCause(err)
	case IsUnavailable(err):
		return unavailable.WithCause(err)
	case code == codeCancelled || errors.Is(err, context.DeadlineExceeded):
		return unknown.WithCause(err)
	}
	return err
}

// shuttingDown reports that the server said good-bye.
func shuttingDown(err error) bool { return strings.HasPrefix(Code(err), classShutdown) }

// neverSent reports that nothing was sent to the server. pgx says so too of "conn closed", but wrongly: a statement of the simple
// protocol (COMMIT is one) whose answer was cut off ends with the same error (v5.12.0, MultiResultReader.NextResult).
func neverSent(err error) bool {
	return pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed)
}

// lost reports that the connection broke, a cancelled context included, because pgx then closes it.
func lost(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true // also what a context does to a read
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) ||
		errors.Is(err, pgconn.ErrConnClosed)
}
