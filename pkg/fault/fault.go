// Package fault is the one error vocabulary of all services.
//
// A Fault has a closed Kind, which transports map to a status or to ack, retry or drop in one table each; a Code, which is
// the slug of the public problem type; and a Message that is safe to show to anybody. The cause stays inside the process:
// it is logged once at the edge and never sent. Who creates a Fault decides what the caller may learn; everything else is
// Internal, and the caller learns nothing but that.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind classifies a failure by what the caller can do about it.
type Kind uint8

// The kinds. The comment names what a caller does next.
const (
	Internal         Kind = iota // a bug or an unclassified failure: report it
	Malformed                    // the request cannot be read: send a well-formed one
	Invalid                      // readable, but refused for its content: see Fields
	Unauthenticated              // say who you are
	Forbidden                    // known, but not allowed
	PaymentRequired              // the money was refused: another means of payment
	NotFound                     // no such thing, or not for you
	Conflict                     // the state of the thing forbids it now
	Gone                         // it was there and will not come back
	Precondition                 // If-Match no longer matches: read again
	TooLarge                     // the body is over the limit
	UnsupportedMedia             // the content type is not understood
	RateLimited                  // wait RetryAfter
	Unavailable                  // surely not executed: repeat later
	Timeout                      // outcome unknown: look it up before repeating
)

var kindNames = [...]string{
	"internal", "malformed", "invalid", "unauthenticated", "forbidden", "payment-required", "not-found", "conflict", "gone",
	"precondition", "too-large", "unsupported-media", "rate-limited", "unavailable", "timeout",
}

// String returns the name of the kind, for logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind is the inverse of String; ok is false for an unknown name.
func ParseKind(s string) (k Kind, ok bool) {
	i := slices.Index(kindNames[:], s)
	return Kind(max(i, 0)), i >= 0
}

// Retryable reports whether the same call may be sent again without a look-up: it was surely not executed.
func (k Kind) Retryable() bool { return k == Unavailable || k == RateLimited }

// Field is one fault of an input, by its place ("body.lines[2].quantity").
type Field struct {
	Location string
	Message  string
	Value    any
}

// Fault is an error with a kind, a public code and a message that is safe to show.
// It is immutable: the With methods return copies, so that a package-level Fault serves as a sentinel.
type Fault struct {
	Kind       Kind
	Code       string         // slug of the problem type, "out-of-stock"
	Message    string         // one sentence, safe to show
	Fields     []Field        // all faults of an input at once
	Extra      map[string]any // further public members of the problem document
	RetryAfter time.Duration  // zero: nothing said
	cause      error
}

// New returns a Fault. The message may be shown to anybody.
func New(kind Kind, code, message string) *Fault {
	return &Fault{Kind: kind, Code: code, Message: message}
}

// Newf is New with formatting.
func Newf(kind Kind, code, format string, args ...any) *Fault {
	return New(kind, code, fmt.Sprintf(format, args...))
}

// Error returns the message, and the cause for logs.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.Code + ": " + f.Message + ": " + f.cause.Error()
	}
	return f.Code + ": " + f.Message
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Is makes two faults equal by kind and code, so that errors.Is finds a sentinel whatever was added to it.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Kind == f.Kind && t.Code == f.Code
}

func (f *Fault) clone() *Fault {
	c := *f
	c.Fields = slices.Clone(f.Fields)
	c.Extra = maps.Clone(f.Extra)
	return &c
}

// With returns a copy with a further public member.
func (f *Fault) With(key string, value any) *Fault {
	c := f.clone()
	if c.Extra == nil {
		c.Extra = map[string]any{}
	}
	c.Extra[key] = value
	return c
}

// WithMessage returns a copy with another message.
func (f *Fault) WithMessage(format string, args ...any) *Fault {
	c := f.clone()
	c.Message = fmt.Sprintf(format, args...)
	return c
}

// WithField returns a copy with a further input fault.
func (f *Fault) WithField(location, message string, value any) *Fault {
	c := f.clone()
	c.Fields = append(c.Fields, Field{Location: location, Message: message, Value: value})
	return c
}

// WithCause returns a copy that wraps err. The cause is logged, never shown.
func (f *Fault) WithCause(err error) *Fault {
	c := f.clone()
	c.cause = err
	return c
}

// WithRetryAfter returns a copy that tells the caller when to come back.
func (f *Fault) WithRetryAfter(d time.Duration) *Fault {
	c := f.clone()
	c.RetryAfter = d
	return c
}

// As finds the first Fault in the chain of err.
func As(err error) (*Fault, bool) { return errors.AsType[*Fault](err) }

// KindOf returns the kind of err: that of the first Fault in its chain, else Internal.
func KindOf(err error) Kind {
	if f, ok := As(err); ok {
		return f.Kind
	}
	return Internal
}

// CodeOf returns the code of err, or "" when no Fault is in its chain.
func CodeOf(err error) string {
	if f, ok := As(err); ok {
		return f.Code
	}
	return ""
}

// Collector gathers the faults of one input, so that all are reported at once. The zero value is ready.
type Collector struct{ fields []Field }

// Add notes a fault.
func (c *Collector) Add(location, message string, value any) {
	c.fields = append(c.fields, Field{Location: location, Message: message, Value: value})
}

// Check notes a fault unless ok.
func (c *Collector) Check(ok bool, location, message string, value any) {
	if !ok {
		c.Add(location, message, value)
	}
}

// Err returns nil when nothing was noted, else an Invalid fault with code "validation-failed" and all fields.
func (c *Collector) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	f := New(Invalid, "validation-failed", fmt.Sprintf("%d faults in the input", len(c.fields)))
	if len(c.fields) == 1 {
		f.Message = c.fields[0].Location + ": " + c.fields[0].Message
	}
	f.Fields = c.fields
	return f
}
