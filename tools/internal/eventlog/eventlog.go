// Package eventlog looks at the events of a running shop, whatever broker carries them, and tells events again from the outboxes.
package eventlog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/broker"
	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// Report says how far everybody is.
type Report struct {
	Profile string  `json:"profile"`
	Topics  []Topic `json:"topics"`
}

// Topic is one topic of the broker; a dead letter's is called TOPIC.dead.APP.
type Topic struct {
	Name      string     `json:"name"`
	Published int64      `json:"published"` // since the topic was made, as the broker counts
	Consumers []Consumer `json:"consumers"`
}

// Consumer is one app's place in a topic.
type Consumer struct {
	App     string `json:"app"`
	Lag     int64  `json:"lag"`     // not delivered yet; with Kafka: not acknowledged yet
	Pending int64  `json:"pending"` // delivered, not acknowledged
	// Subscribed says whether somebody takes the events in now. Redis cannot tell; it is absent then.
	Subscribed *bool `json:"subscribed,omitempty"`
}

// Status asks the broker of a running shop.
func Status(ctx context.Context, l shop.Layout, st shop.State) (Report, error) {
	r := Report{Profile: st.Profile, Topics: []Topic{}}
	password, err := l.ServersPassword()
	if err != nil {
		return r, err
	}
	switch st.Profile {
	case shop.Standard:
		r.Topics, err = ofRedis(ctx, infra.RedisOf(l, st.Ports, shop.EventsRedisServer, password))
	case shop.Kafka:
		r.Topics, err = ofKafka(ctx, infra.KafkaOf(l, st.Ports, password))
	default:
		r.Topics, err = ofBroker(ctx, shop.Local(st.Ports.Of(shop.BrokerStatusPort)))
	}
	if err != nil {
		return r, fmt.Errorf("ask the broker: %w", err)
	}
	slices.SortFunc(r.Topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range r.Topics {
		slices.SortFunc(t.Consumers, func(a, b Consumer) int { return cmp.Compare(a.App, b.App) })
	}
	return r, nil
}

func ofBroker(ctx context.Context, address string) ([]Topic, error) {
	report, err := broker.Status(ctx, address)
	if err != nil {
		return nil, err
	}
	topics := []Topic{}
	for _, t := range report.Topics {
		topic := Topic{Name: t.Name, Published: int64(t.LastSeq), Consumers: []Consumer{}}
		for _, c := range t.Consumers {
			open := slices.ContainsFunc(report.Pulls, func(p broker.Pull) bool { return p.App == c.App && p.Topic == t.Name })
			topic.Consumers = append(topic.Consumers, Consumer{App: c.App, Lag: int64(c.Lag), Pending: int64(c.Pending), Subscribed: &open})
		}
		topics = append(topics, topic)
	}
	return topics, nil
}

// Print writes the report for a person.
func (r Report) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPUBLISHED\tCONSUMER\tTO COME\tUNDER WAY")
	for _, t := range r.Topics {
		if len(t.Consumers) == 0 {
			fmt.Fprintf(w, "%s\t%d\n", t.Name, t.Published)
		}
		for _, c := range t.Consumers {
			app := c.App
			if c.Subscribed != nil && !*c.Subscribed {
				app += " (away)"
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\n", t.Name, t.Published, app, c.Lag, c.Pending)
		}
	}
	return w.Flush()
}

// JSON writes the report for a program.
func (r Report) JSON(out io.Writer) error { return json.NewEncoder(out).Encode(r) }

// TellAgain has the outboxes publish again what they published since so long ago, or all that they keep (a week) if since is zero. It
// returns how many events that are. Consumers know by id and sequence what they have taken in.
func TellAgain(ctx context.Context, databases map[string]string, since time.Duration) (n int64, err error) {
	for id, url := range databases {
		told, err := tellAgain(ctx, url, since)
		if err != nil {
			return n, fmt.Errorf("events of %s: %w", id, err)
		}
		n += told
	}
	return n, nil
}

func tellAgain(ctx context.Context, url string, since time.Duration) (int64, error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	var there bool // a service may publish nothing
	if err := c.QueryRow(ctx, `SELECT to_regclass('outbox') IS NOT NULL`).Scan(&there); err != nil || !there {
		return 0, err
	}
	tag, err := c.Exec(ctx, `UPDATE outbox SET sent_at = NULL WHERE sent_at IS NOT NULL AND ($1::interval = '0' OR sent_at > now() - $1::interval)`, since)
	return tag.RowsAffected(), err
}
