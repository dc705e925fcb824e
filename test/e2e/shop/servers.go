package shop

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// profileVariable names the profile of every shop that tests start; without it that is the embedded one.
const profileVariable = "SIDECART_PROFILE"

// The profiles.
const (
	Embedded = "embedded"
	Standard = "standard"
	Kafka    = "kafka"
)

// Cluster is the process that keeps the index where the profile has one; elsewhere it is in a folder.
const (
	Cluster     = "opensearch"
	clusterPort = 15015 // usually
)

// wanted is the profile that the environment asks for.
func wanted() string { return cmp.Or(os.Getenv(profileVariable), Embedded) }

// Profile is that of this shop.
func (s *Shop) Profile() string { return s.state.Profile }

// Carrier is the process that carries the events.
func (s *Shop) Carrier() string {
	return map[string]string{Embedded: "broker", Standard: "events-redis", Kafka: "kafka"}[s.Profile()]
}

// Servers are the processes that only this profile has.
func (s *Shop) Servers() []string {
	switch s.Profile() {
	case Embedded:
		return []string{s.Carrier()}
	case Standard:
		return []string{"carts-redis", s.Carrier(), Cluster}
	}
	return []string{"carts-redis", s.Carrier()}
}

// Events is what `sidecart events status` says.
type Events struct {
	Topics []struct {
		Name      string
		Published int64
		Consumers []struct {
			App          string
			Lag, Pending int64
			Subscribed   *bool // nil: the broker cannot tell
		}
	}
}

// Events asks how far everybody is with the events. There are no topics while the broker is away.
func (s *Shop) Events(ctx context.Context) (e Events) {
	out, err := s.Sidecart(ctx, "events", "status", "--json", "--dir", s.Root, "--data", s.Data)
	if err != nil || json.Unmarshal([]byte(out), &e) != nil {
		return Events{}
	}
	return e
}

// The usual ports of the two Redis.
var redisPorts = map[string]int{"carts-redis": 15011, "events-redis": 15012}

// Waiting says which subscriber has not taken in all that the broker holds for it; nil: each has.
func (e Events) Waiting() error {
	if len(e.Topics) == 0 {
		return errors.New("the broker does not answer")
	}
	for _, topic := range e.Topics {
		for _, c := range topic.Consumers {
			if c.Lag > 0 || c.Pending > 0 {
				return fmt.Errorf("%s has %d events of %s to come and %d under way", c.App, c.Lag, topic.Name, c.Pending)
			}
		}
	}
	return nil
}

// Redis gives one of the shop's Redis a command of words without blanks, and returns what it answers: the text, or the number of
// what a list holds.
func (s *Shop) Redis(ctx context.Context, server, command string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Data, "keys", "shop.json"))
	if err != nil {
		return "", err
	}
	var keys struct{ Servers string }
	if err := json.Unmarshal(raw, &keys); err != nil {
		return "", err
	}
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.state.Ports.of(redisPorts[server]))))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(c, "AUTH %s\r\n%s\r\n", keys.Servers, command); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	if _, err := reply(r); err != nil {
		return "", fmt.Errorf("%s: %w", server, err)
	}
	text, err := reply(r)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", server, command, err)
	}
	return text, nil
}

// reply reads one answer of Redis.
func reply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch line[0] {
	case '-':
		return "", fmt.Errorf("%s", line[1:])
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "", err
		}
		text := make([]byte, n+2)
		_, err = io.ReadFull(r, text)
		return string(text[:n]), err
	default:
		return line[1:], nil
	}
}

// WipeIndex deletes the index of search, which is to be killed or dead.
func (s *Shop) WipeIndex(t testing.TB) {
	t.Helper()
	if s.Profile() != Standard {
		if err := os.RemoveAll(filepath.Join(s.Data, "index")); err != nil {
			t.Fatal(err)
		}
		return
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/", s.state.Ports.of(clusterPort))
	ask := func(method, path string) string {
		a, err := s.Ask(t.Context(), method, url+path, nil)
		if err == nil {
			err = a.Into(200, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(a.Body)
	}
	for name := range strings.FieldsSeq(ask("GET", "_cat/indices/sidecart-search-*?h=index")) {
		ask("DELETE", name)
	}
}

// WipeCarts deletes every projection from the state store and returns how many there were.
func (s *Shop) WipeCarts(t testing.TB) (n int64) {
	t.Helper()
	if s.Profile() == Embedded {
		tag, err := s.DB(t, "dapr_carts").Exec(t.Context(), `DELETE FROM state`)
		if err != nil {
			t.Error(err)
		}
		return tag.RowsAffected()
	}
	size, err := s.Redis(t.Context(), "carts-redis", "DBSIZE")
	if err != nil {
		t.Error(err)
	}
	if _, err := s.Redis(t.Context(), "carts-redis", "FLUSHALL"); err != nil {
		t.Error(err)
	}
	n, _ = strconv.ParseInt(size, 10, 64)
	return n
}
