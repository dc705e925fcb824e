package shop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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
	s := newShop(t, Ports{})
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
	s := newShop(t, Ports{})
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
