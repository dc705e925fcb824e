package shop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The profiles. Each is a folder of components; the tool runs the servers that its components name.
const (
	Embedded = "embedded" // nothing to install: Postgres for state, the tool's own broker for events
	Standard = "standard" // Redis for carts, Redis Streams for events, OpenSearch
	Kafka    = "kafka"    // Redis for carts, Kafka for events
)

// Profiles lists them all.
func Profiles() []string { return []string{Embedded, Standard, Kafka} }

// The servers of the profiles, by the names under which they run and are shown.
const (
	BrokerServer      = "broker"
	CartsRedisServer  = "carts-redis"
	EventsRedisServer = "events-redis"
	KafkaServer       = "kafka"
	OpenSearchServer  = "opensearch"
)

// Servers lists the servers that a profile needs beside Postgres, placement and scheduler.
func Servers(profile string) []string {
	switch profile {
	case Standard:
		return []string{CartsRedisServer, EventsRedisServer, OpenSearchServer}
	case Kafka:
		return []string{CartsRedisServer, KafkaServer}
	default:
		return []string{BrokerServer}
	}
}

// serverPorts are the default ports of a profile's servers.
func serverPorts(profile string) (ports []int) {
	for _, name := range Servers(profile) {
		ports = append(ports, map[string][]int{
			BrokerServer: {BrokerStatusPort}, CartsRedisServer: {CartsRedisPort}, EventsRedisServer: {EventsRedisPort},
			KafkaServer: {KafkaPort, KafkaControllerPort}, OpenSearchServer: {OpenSearchPort, OpenSearchNodePort},
		}[name]...)
	}
	return ports
}

// CheckProfile refuses a name that is none.
func CheckProfile(name string) error {
	if !slices.Contains(Profiles(), name) {
		return fmt.Errorf("there is no profile %q: want one of %s", name, strings.Join(Profiles(), ", "))
	}
	return nil
}

// profileFile remembers with which profile the data was used last.
func (l Layout) profileFile() string { return filepath.Join(l.Data, "profile") }

// LastProfile is the one that the data was used with last, "" before the first start.
func (l Layout) LastProfile() (string, error) {
	raw, err := os.ReadFile(l.profileFile())
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(l.Postgres(), "data")); err == nil {
			return Embedded, nil // made before there were others
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(raw))
	if err := CheckProfile(name); err != nil {
		return "", fmt.Errorf("%s: %w", l.profileFile(), err)
	}
	return name, nil
}

// SaveProfile remembers the profile.
func (l Layout) SaveProfile() error { return writeFile(l.profileFile(), []byte(l.Profile+"\n"), 0o644) }
