package daprkit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/outbox"
)

var _ outbox.Publisher = (*Client)(nil)

// PublishBulk publishes msgs on topic of the component "pubsub" in one call and returns the ids of those that the broker did not
// take. On an error that may be any of them, and some may be out already: send them again, consumers know the ids. A broker
// component without bulk support receives them in parallel, so order holds only where the component keeps it.
func (c *Client) PublishBulk(ctx context.Context, topic string, msgs []outbox.Message) ([]uuid.UUID, error) {
	if len(msgs) == 0 {
		return nil, nil
	}
	events := make([]any, len(msgs))
	for i, m := range msgs {
		e, err := bulkEntry(m)
		if err != nil {
			return ids(msgs), fmt.Errorf("publish on %s: event %s: %w", topic, m.ID, err)
		}
		events[i] = e
	}
	res := c.sdk.PublishEvents(ctx, PubSub, topic, events)
	if res.Error == nil {
		return nil, nil
	}
	err := errUnavailable("the events could not be published").WithCause(res.Error)
	failed := make([]uuid.UUID, 0, len(res.FailedEvents))
	for _, f := range res.FailedEvents {
		e, ok := f.(dapr.PublishEventsEvent)
		id, perr := uuid.Parse(e.EntryID)
		if !ok || perr != nil { // the sidecar names what we did not send: believe none of it
			return ids(msgs), fmt.Errorf("publish on %s: %w", topic, err)
		}
		failed = append(failed, id)
	}
	return failed, fmt.Errorf("publish on %s: %w", topic, err)
}

func bulkEntry(m outbox.Message) (dapr.PublishEventsEvent, error) {
	b, err := json.Marshal(envelope{
		SpecVersion: "1.0", ID: m.ID.String(), Type: m.Type, Source: m.Source, Subject: m.Subject,
		Time: m.Time.UTC().Format(time.RFC3339Nano), DataContentType: "application/json",
		TraceParent: m.TraceParent, TraceID: m.TraceParent, Data: m.Data,
	})
	if err != nil {
		return dapr.PublishEventsEvent{}, fmt.Errorf("encode: %w", err)
	}
	return dapr.PublishEventsEvent{
		EntryID: m.ID.String(), Data: b, ContentType: cloudEventType,
		Metadata: map[string]string{"partitionKey": m.Subject},
	}, nil
}

func ids(msgs []outbox.Message) []uuid.UUID {
	all := make([]uuid.UUID, len(msgs))
	for i, m := range msgs {
		all[i] = m.ID
	}
	return all
}
