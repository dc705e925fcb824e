package eventlog

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/sidecart/sidecart/tools/internal/infra"
)

func ofRedis(ctx context.Context, server infra.Redis) ([]Topic, error) {
	c := server.Client()
	defer c.Close() //nolint:errcheck // nothing was written
	var names []string
	for it := c.ScanType(ctx, 0, "*", 1000, "stream").Iterator(); ; {
		if !it.Next(ctx) {
			if err := it.Err(); err != nil {
				return nil, err
			}
			break
		}
		names = append(names, it.Val())
	}
	topics := []Topic{}
	for _, name := range names {
		t, err := redisTopic(ctx, c, name)
		if err != nil {
			return nil, err
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// most is how many events are counted one by one: whoever is further behind is that far behind at least.
const most = 10_000

func redisTopic(ctx context.Context, c *redis.Client, name string) (Topic, error) {
	info, err := c.XInfoStream(ctx, name).Result()
	if err != nil {
		return Topic{}, err
	}
	t := Topic{Name: name, Published: info.EntriesAdded, Consumers: []Consumer{}}
	groups, err := c.XInfoGroups(ctx, name).Result()
	if err != nil {
		return Topic{}, err
	}
	for _, g := range groups {
		consumer := Consumer{App: g.Name, Lag: g.Lag, Pending: g.Pending}
		if g.Lag < 0 { // Redis does not know after a restart
			rest, err := c.XRangeN(ctx, name, "("+g.LastDeliveredID, "+", most).Result()
			if err != nil {
				return Topic{}, err
			}
			consumer.Lag = int64(len(rest))
		}
		t.Consumers = append(t.Consumers, consumer)
	}
	return t, nil
}
