package daprkit

import (
	"fmt"
	"net"
	"strings"
)

// PubSub is the name of the pub/sub component in every profile.
const PubSub = "pubsub"

// Config says where the own sidecar is and which secrets are shared with it.
type Config struct {
	GRPCAddr string // host:port of the sidecar's gRPC API
	HTTPAddr string // host:port of the sidecar's HTTP API
	APIToken string // what we show the sidecar; empty: it asks for none
	AppToken string // what the sidecar shows us, see RequireAppToken
	AppID    string // our own app id
}

// FromEnviron reads what daprd and the runner export: DAPR_GRPC_PORT, DAPR_HTTP_PORT (both on 127.0.0.1, 50001 and 3500 by
// default), DAPR_API_TOKEN, APP_API_TOKEN and APP_ID. The list is that of os.Environ; the last value of a name wins.
func FromEnviron(environ []string) Config {
	env := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && v != "" {
			env[k] = v
		}
	}
	return Config{
		GRPCAddr: loopback(env["DAPR_GRPC_PORT"], "50001"),
		HTTPAddr: loopback(env["DAPR_HTTP_PORT"], "3500"),
		APIToken: env["DAPR_API_TOKEN"],
		AppToken: env["APP_API_TOKEN"],
		AppID:    env["APP_ID"],
	}
}

func loopback(port, otherwise string) string {
	if port == "" {
		port = otherwise
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// String says all but the secrets.
func (c Config) String() string {
	return fmt.Sprintf("app %q, sidecar grpc %s, http %s", c.AppID, c.GRPCAddr, c.HTTPAddr)
}

// GoString keeps the secrets out of %#v.
func (c Config) GoString() string { return "daprkit.Config{" + c.String() + "}" }
