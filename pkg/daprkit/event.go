package daprkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

const cloudEventType = "application/cloudevents+json"

// envelope is the wire form of an event, CloudEvents 1.0 in structured JSON with the extensions of Dapr.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Type            string          `json:"type"`
	Source          string          `json:"source"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	TraceParent     string          `json:"traceparent,omitempty"`
	TraceID         string          `json:"traceid,omitempty"` // Dapr's older name; daprd writes its own trace when it is missing
	Topic           string          `json:"topic,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
	DataBase64      []byte          `json:"data_base64,omitempty"`
}

// Event is a CloudEvent as a subscriber gets it.
type Event struct {
	ID, Type, Source, Subject, Topic, TraceParent string
	Time                                          time.Time
	Sequence                                      int64 // data.sequence: per (topic, subject), gapless; 0: none
	Data                                          json.RawMessage
}

// Decode reads the data into v. The error is fault.Malformed, so that a handler can return it: the event is dropped.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Data, v); err != nil {
		return fault.New(fault.Malformed, "malformed-event", "the event cannot be read").WithCause(fmt.Errorf("%s %s: %w", e.Type, e.ID, err))
	}
	return nil
}

// Handler handles one event, perhaps for the second time and after a later one. Nil acknowledges it. An error decides by its
// kind, see OutcomeOf.
type Handler func(ctx context.Context, ev Event) error

// Outcome is what becomes of a delivered event, in the words of Dapr.
type Outcome string

// The outcomes.
const (
	Ack   Outcome = "SUCCESS" // done
	Retry Outcome = "RETRY"   // comes again for as long as the sidecar's inbound retry lasts (minutes), then the dead-letter topic
	Drop  Outcome = "DROP"    // the dead-letter topic at once
)

// outcomes is the one table. What would fail again for ever is dropped; what may pass, or is our own fault, is tried again.
var outcomes = map[fault.Kind]Outcome{
	fault.Internal:         Retry,
	fault.Malformed:        Drop,
	fault.Invalid:          Drop,
	fault.Unauthenticated:  Drop,
	fault.Forbidden:        Drop,
	fault.PaymentRequired:  Drop,
	fault.NotFound:         Drop,
	fault.Conflict:         Retry, // the state of the thing forbids it now
	fault.Gone:             Drop,
	fault.Precondition:     Retry, // read again
	fault.TooLarge:         Drop,
	fault.UnsupportedMedia: Drop,
	fault.RateLimited:      Retry,
	fault.Unavailable:      Retry,
	fault.Timeout:          Retry,
}

// OutcomeOf says what becomes of an event whose handler returned err: acknowledged on nil, dropped to the dead-letter topic when
// the kind of the fault says that it would fail again, else retried: while something is away (Unavailable, Timeout, RateLimited) for
// minutes, else a few times within the delivery before it is dropped too. An error that is no fault is Internal, hence retried.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Ack
	}
	if o, ok := outcomes[fault.KindOf(err)]; ok {
		return o
	}
	return Retry
}

// level of the log line of a message.
func (o Outcome) level() slog.Level {
	switch o {
	case Ack:
		return slog.LevelInfo
	case Retry:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// parseEvent reads a CloudEvent in structured JSON.
func parseEvent(topic string, body []byte) (Event, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("decode cloud event: %w", err)
	}
	ev := Event{ID: e.ID, Type: e.Type, Source: e.Source, Subject: e.Subject, Topic: topic, TraceParent: e.TraceParent, Data: e.Data}
	if ev.ID == "" || ev.Type == "" {
		return ev, errors.New("cloud event without id or type")
	}
	if len(e.Data) == 0 && len(e.DataBase64) > 0 {
		if !json.Valid(e.DataBase64) {
			return ev, errors.New("data is not JSON")
		}
		ev.Data = e.DataBase64
	}
	if ev.TraceParent == "" {
		ev.TraceParent = e.TraceID
	}
	if e.Time != "" {
		t, err := time.Parse(time.RFC3339Nano, e.Time)
		if err != nil {
			return ev, fmt.Errorf("time: %w", err)
		}
		ev.Time = t.UTC()
	}
	var seq struct{ Sequence int64 }
	if len(ev.Data) > 0 && ev.Data[0] == '{' {
		if err := json.Unmarshal(ev.Data, &seq); err != nil {
			return ev, fmt.Errorf("sequence: %w", err)
		}
	}
	ev.Sequence = seq.Sequence
	return ev, nil
}
