package up

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/tools/internal/eventlog"
	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// profileServers are the servers that the profile's components speak to, in no order.
func (r *runner) profileServers() (specs []spec) {
	for _, name := range shop.Servers(r.opt.Layout.Profile) {
		switch name {
		case shop.BrokerServer:
			specs = append(specs, r.brokerServer())
		case shop.KafkaServer:
			specs = append(specs, r.kafkaServer())
		case shop.OpenSearchServer:
			specs = append(specs, r.openSearchServer())
		default:
			specs = append(specs, r.redisServer(name))
		}
	}
	return specs
}

func (r *runner) brokerServer() spec {
	l, status := r.opt.Layout, r.shop.Ports.Of(shop.BrokerStatusPort)
	return spec{
		name: shop.BrokerServer, about: "broker", env: cleanEnv(), grace: 15 * time.Second,
		argv: []string{
			r.opt.Tool, "broker", "--data", l.Broker(), "--socket-dir", l.Sockets(), "--name", shop.BrokerName, "--status", shop.Local(status),
		},
		ready: answers(shop.URL(status) + "/healthz"),
	}
}

func (r *runner) redisServer(name string) spec {
	server := infra.RedisOf(r.opt.Layout, r.shop.Ports, name, r.shop.Secrets.Servers)
	return spec{
		name: name, about: name, env: cleanEnv(), dir: r.opt.Layout.Data, grace: 15 * time.Second,
		make: server.Prepare, ready: server.Ready,
	}
}

func (r *runner) kafkaServer() spec {
	server := infra.KafkaOf(r.opt.Layout, r.shop.Ports, r.shop.Secrets.Servers)
	var topics []string
	for _, a := range r.shop.Manifest.Apps {
		topics = append(topics, a.AppID)
	}
	return spec{
		name: shop.KafkaServer, about: "kafka", env: cleanEnv(), dir: r.opt.Layout.Data, grace: 25 * time.Second,
		// Java ends with the signal's code after it has stopped in good order.
		crude: true,
		make:  func(ctx context.Context) ([]string, error) { return server.Prepare(ctx, r.out) },
		ready: server.Ready,
		then:  func(ctx context.Context) error { return server.EnsureTopics(ctx, topics...) },
	}
}

func (r *runner) openSearchServer() spec {
	server := infra.OpenSearchOf(r.opt.Layout, r.shop.Ports)
	return spec{
		name: shop.OpenSearchServer, about: "opensearch", env: cleanEnv(), dir: r.opt.Layout.Data, grace: 15 * time.Second,
		crude: true, // as kafka
		make:  func(ctx context.Context) ([]string, error) { return server.Prepare(ctx, r.out) },
		ready: server.Ready,
	}
}

// settleProfile remembers the profile. Data that was used with another one has events that its broker never delivered: all that are kept
// are told again on the new one. Whoever knows them already drops them.
func (r *runner) settleProfile(ctx context.Context) error {
	l := r.opt.Layout
	if r.lastProfile == l.Profile {
		return nil
	}
	if r.lastProfile != "" {
		databases := map[string]string{}
		for _, a := range r.shop.Manifest.Apps {
			if a.HasDatabase() {
				databases[a.AppID] = r.shop.DatabaseURL(a.Database())
			}
		}
		n, err := eventlog.TellAgain(ctx, databases, 0)
		if err != nil {
			return err
		}
		r.out.say("from profile %s to %s: %d events are told again", r.lastProfile, l.Profile, n)
	}
	return l.SaveProfile()
}
