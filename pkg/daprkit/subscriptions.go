package daprkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/sidecart/sidecart/pkg/fault"
)

// name is what topics, event types, actor types and jobs may be called: one path segment, safe in a CEL string.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

const (
	eventDeadline = 5 * time.Second // bounds a delivery whose route says nothing else; the sidecar's own limit is longer
	chances       = 5               // how often a handler that fails, with nothing away, is asked within a delivery
)

// Subscriptions are the events that a service wants: one subscription per topic, one route per event type, and a default route
// that acknowledges the types nobody asked for.
//
// The dead-letter topic of a subscription is DeadLetterTopic(topic, app id), one per topic and app, because every app fails by
// itself. The sidecar publishes there on a drop, or when its inbound retries are used up. Nobody subscribes to it: the broker keeps it
// for ReplayDead. Where a component scopes its topics, the app needs the right to publish there.
type Subscriptions struct {
	pubsub string
	log    *slog.Logger
	topics map[string]map[string]route // topic → type
}

type route struct {
	handle   Handler
	deadline time.Duration
}

// RouteOption changes one route.
type RouteOption func(*route)

// WithDeadline bounds a handler and its repetitions while a dependency is Unavailable; the default is 5 s. When it passes, the event
// is retried by the sidecar.
func WithDeadline(d time.Duration) RouteOption { return func(r *route) { r.deadline = d } }

// NewSubscriptions returns an empty set for this pub/sub component (see PubSub). A nil log is slog.Default.
func NewSubscriptions(pubsub string, log *slog.Logger) *Subscriptions {
	if log == nil {
		log = slog.Default()
	}
	return &Subscriptions{pubsub: pubsub, log: log, topics: map[string]map[string]route{}}
}

// On hands the events of this type on this topic to h. It panics, as routers do, on a bad name or a doubled pair. Call it before
// Mount.
func (s *Subscriptions) On(topic, eventType string, h Handler, opts ...RouteOption) {
	if !name.MatchString(topic) || !name.MatchString(eventType) || h == nil {
		panic(fmt.Sprintf("daprkit: cannot subscribe to %q on %q", eventType, topic))
	}
	if _, dup := s.topics[topic][eventType]; dup {
		panic(fmt.Sprintf("daprkit: subscribed twice to %s on %s", eventType, topic))
	}
	r := route{handle: h, deadline: eventDeadline}
	for _, o := range opts {
		o(&r)
	}
	if s.topics[topic] == nil {
		s.topics[topic] = map[string]route{}
	}
	s.topics[topic][eventType] = r
}

// DeadLetterTopic is where the sidecar of an app puts the events of topic that the app could not handle.
func DeadLetterTopic(topic, appID string) string { return topic + ".dead." + appID }

type subscription struct {
	PubSub          string            `json:"pubsubname"`
	Topic           string            `json:"topic"`
	DeadLetterTopic string            `json:"deadLetterTopic"`
	Metadata        map[string]string `json:"metadata"`
	Routes          routes            `json:"routes"`
}

// metadataTypes tells a broker that can tell types apart which ones are wanted: the embedded one then spares the sidecar and us the
// others. Brokers that cannot ignore it, and the default route takes what comes.
const metadataTypes = "types"

type routes struct {
	Rules   []rule `json:"rules"`
	Default string `json:"default"`
}

type rule struct {
	Match string `json:"match"`
	Path  string `json:"path"`
}

// list is the answer to GET /dapr/subscribe, the same on every start.
func (s *Subscriptions) list(appID string) []subscription {
	all := make([]subscription, 0, len(s.topics))
	for _, topic := range slices.Sorted(maps.Keys(s.topics)) {
		sub := subscription{
			PubSub: s.pubsub, Topic: topic, DeadLetterTopic: DeadLetterTopic(topic, appID),
			Routes: routes{Default: "/events/" + topic},
		}
		types := slices.Sorted(maps.Keys(s.topics[topic]))
		sub.Metadata = map[string]string{metadataTypes: strings.Join(types, ",")}
		for _, typ := range types {
			sub.Routes.Rules = append(sub.Routes.Rules, rule{
				Match: fmt.Sprintf("event.type == %q", typ), Path: "/events/" + topic + "/" + typ,
			})
		}
		all = append(all, sub)
	}
	return all
}

func (s *Subscriptions) mount(r chi.Router, appID string) {
	r.Get("/dapr/subscribe", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.list(appID)) })
	r.Post("/events/{topic}", s.serve)
	r.Post("/events/{topic}/{type}", s.serve)
}

// serve answers 200 with the outcome. Which handler it is follows from the event itself, not from the route.
func (s *Subscriptions) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	ev, o, err := s.deliver(w, r)
	attrs := []slog.Attr{
		slog.String("topic", ev.Topic), slog.String("event_type", ev.Type), slog.String("event_id", ev.ID),
		slog.String("subject", ev.Subject), slog.Int64("sequence", ev.Sequence),
		slog.String("outcome", string(o)), slog.Duration("took", time.Since(start)),
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	s.log.LogAttrs(traceFrom(r.Context(), ev.TraceParent), o.level(), "event", attrs...)
	writeJSON(w, map[string]Outcome{"status": o})
}

func (s *Subscriptions) deliver(w http.ResponseWriter, r *http.Request) (Event, Outcome, error) {
	topic := chi.URLParam(r, "topic")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		return Event{Topic: topic}, Retry, fmt.Errorf("read event: %w", err)
	}
	ev, err := parseEvent(topic, body)
	if err != nil {
		return ev, Drop, err
	}
	rt, ok := s.topics[topic][ev.Type]
	if !ok {
		return ev, Ack, nil
	}
	ctx, cancel := context.WithTimeout(traceFrom(r.Context(), ev.TraceParent), rt.deadline)
	defer cancel()
	ctx, span := otel.Tracer("github.com/sidecart/sidecart/pkg/daprkit").Start(ctx, "event "+ev.Type, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	o, err := s.patient(ctx, rt.handle, ev)
	if err != nil {
		span.RecordError(err)
	}
	return ev, o, err
}

// patient repeats a handler that may succeed yet. What is away is waited for, here until the delivery's deadline and then by the sidecar,
// which comes again for minutes: behind this event no other could be handled either. What fails with everything there is a fault of
// this event or of ours, and must not hold up the others: after its chances it is dropped.
func (s *Subscriptions) patient(ctx context.Context, h Handler, ev Event) (Outcome, error) {
	for pause, try := 100*time.Millisecond, 1; ; pause, try = min(2*pause, time.Second), try+1 {
		err := s.guarded(ctx, h, ev)
		switch o := OutcomeOf(err); {
		case o != Retry:
			return o, err
		case try >= chances && !away(err) && ctx.Err() == nil:
			return Drop, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		if over(ctx) { // also when both have come
			return Retry, err
		}
	}
}

// over reports whether the time of a context is up, also where it has not heard of it yet: on a busy machine the pause may come first.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// away reports whether an error says that something is missing now, and nothing of the event.
func away(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Timeout, fault.RateLimited:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// guarded turns a panic into an error without kind.
func (s *Subscriptions) guarded(ctx context.Context, h Handler, ev Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, ev)
}
