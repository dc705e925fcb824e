package eventlog

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sidecart/sidecart/tools/internal/infra"
)

func ofKafka(ctx context.Context, server infra.Kafka) ([]Topic, error) {
	c, err := server.Client()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	details, err := c.ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := c.ListEndOffsets(ctx, details.Names()...)
	if err != nil {
		return nil, err
	}
	lags, err := c.Lag(ctx)
	if err != nil {
		return nil, err
	}
	if err := lags.Error(); err != nil {
		return nil, err
	}
	topics := []Topic{}
	for _, name := range details.Names() {
		t := Topic{Name: name, Consumers: []Consumer{}}
		ends.Each(func(o kadm.ListedOffset) {
			if o.Topic == name {
				t.Published += max(o.Offset, 0)
			}
		})
		for _, group := range lags.Sorted() {
			if consumer, ok := kafkaConsumer(group, name); ok {
				t.Consumers = append(t.Consumers, consumer)
			}
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// kafkaConsumer is the place of a consumer group in a topic that it ever read.
func kafkaConsumer(group kadm.DescribedGroupLag, topic string) (Consumer, bool) {
	partitions, ok := group.Lag[topic]
	if !ok {
		return Consumer{}, false
	}
	open := false
	c := Consumer{App: group.Group, Subscribed: &open}
	for _, p := range partitions {
		c.Lag += max(p.Lag, 0)
		open = open || p.Member != nil
	}
	return c, slices.Contains([]string{"Stable", "Empty", "PreparingRebalance", "CompletingRebalance"}, group.State)
}
