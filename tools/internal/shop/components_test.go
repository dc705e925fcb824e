package shop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// component is what the tests look at in a component file.
type component struct {
	Kind     string
	Metadata struct{ Name string }
	Scopes   []string
	Auth     struct {
		SecretStore string `yaml:"secretStore"`
	}
	Spec struct {
		Type, Version string
		Metadata      []struct {
			Name, Value  string
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		}
	}
}

func components(t *testing.T, s Shop) map[string]component {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Layout.Resources(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]component{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "${") {
			t.Errorf("%s holds a placeholder", f)
		}
		var c component
		if err := yaml.Unmarshal(raw, &c); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if c.Kind == "Component" {
			found[c.Metadata.Name] = c
		}
	}
	return found
}

func TestComponents(t *testing.T) {
	t.Parallel()
	for _, profile := range Profiles() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			checkComponents(t, newShopOf(t, profile, Ports{}))
		})
	}
}

func checkComponents(t *testing.T, s Shop) {
	t.Helper()
	var secrets map[string]string
	raw, err := os.ReadFile(s.Layout.Secrets())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &secrets); err != nil {
		t.Fatal(err)
	}
	all := components(t, s)
	for name, c := range all {
		if len(c.Scopes) == 0 {
			t.Errorf("%s has no scopes: every app would get it", name)
		}
		for _, app := range c.Scopes {
			if _, ok := s.Manifest.App(app); !ok {
				t.Errorf("%s names the app %q, which dapr.yaml does not", name, app)
			}
			if c.Auth.SecretStore != "" && !slices.Contains(all[c.Auth.SecretStore].Scopes, app) {
				t.Errorf("%s needs the secret store in %s, which may not use it", name, app)
			}
		}
		for _, m := range c.Spec.Metadata {
			if k := m.SecretKeyRef.Key; k != "" && secrets[k] == "" {
				t.Errorf("%s wants the secret %q, which the tool does not write", name, k)
			}
		}
	}
	for _, name := range []string{"pubsub", "carts", "actorstate", "payment-gateway", "secretstore"} {
		if _, ok := all[name]; !ok {
			t.Errorf("component %s is missing", name)
		}
	}
	for _, private := range []string{s.Layout.Secrets(), s.Layout.SigningKey(), s.Layout.apiKeysFile(), s.Layout.secretsFile()} {
		mode(t, private, 0o600)
	}
}

// TestResiliencyCoversEverything holds that each app and component has a time-out, payments no retry, and actors nothing.
func TestResiliencyCoversEverything(t *testing.T) {
	t.Parallel()
	for _, profile := range Profiles() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			checkResiliency(t, newShopOf(t, profile, Ports{}))
		})
	}
}

func checkResiliency(t *testing.T, s Shop) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.Layout.Resources(), "resiliency.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type target struct{ Timeout, Retry string }
	var r struct {
		Spec struct {
			Policies struct {
				Timeouts map[string]string
				Retries  map[string]struct {
					MaxRetries int `yaml:"maxRetries"`
				}
			}
			Targets struct {
				Apps       map[string]target
				Actors     map[string]any
				Components map[string]struct{ Outbound, Inbound target }
			}
		}
	}
	if err := yaml.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	timeouts := r.Spec.Policies.Timeouts
	for name, d := range timeouts {
		if _, err := time.ParseDuration(d); err != nil {
			t.Errorf("time-out %s: %v", name, err)
		}
	}
	for _, app := range s.Manifest.Apps {
		if policy := r.Spec.Targets.Apps[app.AppID]; timeouts[policy.Timeout] == "" || policy.Retry != "" {
			t.Errorf("app %s: %+v, want a time-out and no retry", app.AppID, policy)
		}
	}
	for name, c := range components(t, s) {
		if policy := r.Spec.Targets.Components[name]; timeouts[policy.Outbound.Timeout] == "" || policy.Outbound.Retry != "" {
			t.Errorf("component %s: %+v, want an outbound time-out and no outbound retry", name, policy)
		} else if strings.HasPrefix(c.Spec.Type, "pubsub.") && r.Spec.Policies.Retries[policy.Inbound.Retry].MaxRetries < 1 {
			t.Errorf("component %s: %+v, want an inbound retry", name, policy)
		}
	}
	if len(r.Spec.Targets.Actors) != 0 {
		t.Errorf("policies for actors: %v", r.Spec.Targets.Actors)
	}
}

func TestPublishingScopes(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	scopes := map[string][]string{}
	for _, part := range strings.Split(s.publishingScopes(), ";") {
		app, topics, _ := strings.Cut(part, "=")
		scopes[app] = strings.Split(topics, ",")
	}
	if got := scopes["cart"]; !slices.Contains(got, "cart") || !slices.Contains(got, "order.dead.cart") || slices.Contains(got, "order") {
		t.Errorf("cart may publish %v", got)
	}
}

func TestGenerationIsRenderedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	if err := s.RenderPubsub("7"); err != nil {
		t.Fatal(err)
	}
	for _, m := range components(t, s)["pubsub"].Spec.Metadata {
		if m.Name == "generation" && m.Value == "7" {
			return
		}
	}
	t.Error("the generation is not 7")
}

// metadata is what a component says, by name.
func (c component) metadata() map[string]string {
	all := map[string]string{}
	for _, m := range c.Spec.Metadata {
		all[m.Name] = m.Value
	}
	return all
}

// TestProfilesDifferInComponentsAlone holds that every profile has the same blocks under the same names, for the same apps, and that
// what has no reason to differ is one file.
func TestProfilesDifferInComponentsAlone(t *testing.T) {
	t.Parallel()
	own := map[string][]string{Standard: {"carts.yaml", "pubsub.yaml", "secretstore.yaml"}, Kafka: {"pubsub.yaml"}}
	want := components(t, newShopOf(t, Embedded, Ports{}))
	for profile, files := range own {
		s := newShopOf(t, profile, Ports{})
		got := components(t, s)
		for name, c := range want {
			if name != "secretstore" && !slices.Equal(got[name].Scopes, c.Scopes) {
				t.Errorf("%s: %s is for %v, want %v", profile, name, got[name].Scopes, c.Scopes)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s has %d components, want %d", profile, len(got), len(want))
		}
		entries, err := os.ReadDir(s.Layout.Components())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if linked := e.Type()&os.ModeSymlink != 0; linked == slices.Contains(files, e.Name()) {
				t.Errorf("%s/%s: a link is %v", profile, e.Name(), linked)
			}
		}
	}
}

// TestRedisStreamsLoseNothing holds the component to what Redis Streams need: all tries of an event end before it is given out again, and
// settings that are ignored without a word are not made.
func TestRedisStreamsLoseNothing(t *testing.T) {
	t.Parallel()
	m := components(t, newShopOf(t, Standard, Ports{}))["pubsub"].metadata()
	const tries, deadline, pauses = 5, 10 * time.Second, 100*time.Millisecond + 200*time.Millisecond + 400*time.Millisecond + 800*time.Millisecond
	if d, err := time.ParseDuration(m["processingTimeout"]); err != nil || d <= tries*deadline+pauses {
		t.Errorf("processingTimeout %q, want more than %s: %v", m["processingTimeout"], tries*deadline+pauses, err)
	}
	for _, name := range []string{"redeliverInterval", "maxLenApprox", "queueDepth", "concurrency"} {
		if n, err := strconv.Atoi(m[name]); err != nil || n < 1 {
			t.Errorf("%s is %q, want a number", name, m[name])
		}
	}
	if m["consumerID"] != "" {
		t.Errorf("consumerID %q: every app must have its own place", m["consumerID"])
	}
}

func TestKafkaLosesNothing(t *testing.T) {
	t.Parallel()
	m := components(t, newShopOf(t, Kafka, Ports{}))["pubsub"].metadata()
	if m["initialOffset"] != "oldest" || m["consumerGroup"] != "" || m["consumeRetryEnabled"] == "false" {
		t.Errorf("a new subscriber misses events, shares another's place, or gives events up: %v", m)
	}
	if m["version"] == "" || m["maxMessageBytes"] != "4194304" {
		t.Errorf("Kafka 4 does not speak version %q, or an event may have %s bytes", m["version"], m["maxMessageBytes"])
	}
}

func TestTheProfileIsRemembered(t *testing.T) {
	t.Parallel()
	l := Layout{Root: t.TempDir(), Data: t.TempDir(), Profile: Kafka}
	last := func(want string) {
		t.Helper()
		if got, err := l.LastProfile(); err != nil || got != want {
			t.Errorf("the last profile is %q, want %q: %v", got, want, err)
		}
	}
	last("")
	if err := os.MkdirAll(filepath.Join(l.Postgres(), "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	last(Embedded) // data from before there were others
	if err := l.SaveProfile(); err != nil {
		t.Fatal(err)
	}
	last(Kafka)
	if err := os.WriteFile(l.profileFile(), []byte("oracle"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.LastProfile(); err == nil {
		t.Error("a profile that does not exist is taken")
	}
}
