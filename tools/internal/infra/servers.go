package infra

import (
	"context"
	"fmt"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// RedisOf is one of a shop's two.
func RedisOf(l shop.Layout, ports shop.Ports, name, password string) Redis {
	r := Redis{Dir: l.Server(name), Port: ports.Of(shop.CartsRedisPort), Password: password}
	if name == shop.EventsRedisServer {
		r.Port, r.Durable = ports.Of(shop.EventsRedisPort), true
	}
	return r
}

// KafkaOf is a shop's.
func KafkaOf(l shop.Layout, ports shop.Ports, password string) Kafka {
	return Kafka{Dir: l.Server(shop.KafkaServer), Port: ports.Of(shop.KafkaPort), Controller: ports.Of(shop.KafkaControllerPort), Password: password}
}

// OpenSearchOf is a shop's.
func OpenSearchOf(l shop.Layout, ports shop.Ports) OpenSearch {
	return OpenSearch{Dir: l.Server(shop.OpenSearchServer), Port: ports.Of(shop.OpenSearchPort), Transport: ports.Of(shop.OpenSearchNodePort)}
}

// Server is what a running shop's servers have in common.
type Server struct {
	Name, Address string
	Ready         func(ctx context.Context) error
}

// Running lists the servers of a running shop.
func Running(l shop.Layout, st shop.State) ([]Server, error) {
	password, err := l.ServersPassword()
	if err != nil {
		return nil, fmt.Errorf("password of the servers: %w", err)
	}
	var all []Server
	for _, name := range shop.Servers(st.Profile) {
		switch name {
		case shop.CartsRedisServer, shop.EventsRedisServer:
			r := RedisOf(l, st.Ports, name, password)
			all = append(all, Server{name, shop.Local(r.Port), r.Ready})
		case shop.KafkaServer:
			k := KafkaOf(l, st.Ports, password)
			all = append(all, Server{name, shop.Local(k.Port), k.Ready})
		case shop.OpenSearchServer:
			o := OpenSearchOf(l, st.Ports)
			all = append(all, Server{name, shop.Local(o.Port), o.Ready})
		}
	}
	return all, nil
}
