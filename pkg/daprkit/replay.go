package daprkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	dapr "github.com/dapr/go-sdk/client"
)

// DeadLetters names what ReplayDead puts back.
type DeadLetters struct {
	PubSub string        // component; empty: PubSub
	Topic  string        // the topic they were published on
	AppID  string        // the app that could not handle them
	Max    int           // stop after so many; 0: all
	Idle   time.Duration // stop when nothing has come for so long; zero: 5 s
}

// ReplayDead takes the dead letters of one app from DeadLetterTopic and publishes each on its own topic again, byte for byte, so
// with its id. It returns how many, when Max is reached, nothing has come for Idle, or ctx ends (then with its error).
//
// Every subscriber of the topic sees the event again, not only the app that failed: those that had applied it know its id from
// their inbox. A letter leaves the dead-letter topic after it was published, so a crash between the two publishes it twice, never
// loses it. What fails again comes back as a new dead letter, but behind those there already: fix the cause first.
//
// The broker remembers what was taken per app id of the sidecar that c speaks to, so always replay through a sidecar of the same
// app id, one that nothing else runs under.
func (c *Client) ReplayDead(ctx context.Context, d DeadLetters) (int, error) {
	if d.PubSub == "" {
		d.PubSub = PubSub
	}
	d.Idle = orElse(d.Idle, 5*time.Second)
	sctx, stop := context.WithCancel(ctx) // ends the stream, and with it the receiver
	defer stop()
	dead := DeadLetterTopic(d.Topic, d.AppID)
	// Raw: the data is the whole event as it was published, even if it is no event at all.
	sub, err := c.sdk.Subscribe(sctx, dapr.SubscriptionOptions{PubsubName: d.PubSub, Topic: dead, Metadata: map[string]string{"rawPayload": "true"}})
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", dead, errUnavailable("the dead letters cannot be read").WithCause(err))
	}
	letters := receive(sctx, sub)
	defer hangUp(sub, letters)
	n := 0
	for d.Max <= 0 || n < d.Max {
		select {
		case l := <-letters:
			if l.err != nil {
				return n, fmt.Errorf("replay %s: %w", dead, errUnavailable("the dead letters cannot be read").WithCause(l.err))
			}
			if err := c.putBack(ctx, d, l.msg); err != nil {
				return n, fmt.Errorf("replay %s: %w", dead, err)
			}
			n++
		case <-time.After(d.Idle):
			return n, nil
		case <-ctx.Done():
			return n, fmt.Errorf("replay %s: %w", dead, context.Cause(ctx))
		}
	}
	return n, nil
}

type letter struct {
	msg *dapr.SubscriptionMessage
	err error
}

// receive passes on one letter at a time until ctx ends.
func receive(ctx context.Context, sub *dapr.Subscription) <-chan letter {
	letters := make(chan letter)
	go func() {
		for {
			msg, err := sub.Receive()
			select {
			case letters <- letter{msg, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return letters
}

// hangUp closes our side and waits for the sidecar to close its own: it has then read the last acknowledgement, which would be
// lost with the stream. Letters that come meanwhile stay in the dead-letter topic.
func hangUp(sub *dapr.Subscription, letters <-chan letter) {
	if sub.Close() != nil {
		return
	}
	patience := time.After(2 * time.Second)
	for {
		select {
		case l := <-letters:
			if l.err != nil {
				return
			}
		case <-patience:
			return
		}
	}
}

func (c *Client) putBack(ctx context.Context, d DeadLetters, msg *dapr.SubscriptionMessage) error {
	// A broker that drops what it saw a moment ago must not drop this one: it has the id of the event that died.
	err := c.sdk.PublishEvent(ctx, d.PubSub, d.Topic, msg.RawData, dapr.PublishEventWithContentType(cloudEventType),
		dapr.PublishEventWithMetadata(map[string]string{"dedupe": "false"}), dapr.PublishEventWithRawPayload())
	if err != nil {
		return errors.Join(errUnavailable("the event could not be published").WithCause(err), msg.Retry())
	}
	if err := msg.Success(); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}
