package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// The list of who takes in what is that of the services' sources: nobody's dead letters are forgotten.
func TestEverySubscriptionCanBeReplayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../services/*/internal/daprio/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	var want []letters
	topic := regexp.MustCompile(`\.On\((\w+)api\.Topic,`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		app := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(file))))
		for _, found := range topic.FindAllStringSubmatch(string(source), -1) {
			want = append(want, letters{found[1], app})
		}
	}
	order := func(a, b letters) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.app, b.app)) }
	slices.SortFunc(want, order)
	want = slices.Compact(want)
	got := slices.SortedFunc(slices.Values(subscribed()), order)
	if !slices.Equal(got, want) {
		t.Errorf("subscribed lists %v, the services subscribe to %v", got, want)
	}
}

// The replayer may use and publish what it needs in every profile, and Redis gives it one letter after the other.
func TestTheReplayersComponents(t *testing.T) {
	t.Parallel()
	m, err := shop.ReadManifest("../../dapr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range shop.Profiles() {
		l := shop.Layout{Root: "../..", Data: t.TempDir(), Profile: profile}
		if err := os.MkdirAll(l.Resources(), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"pubsub.yaml", "secretstore.yaml"} {
			raw, err := os.ReadFile(filepath.Join(l.Components(), name))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(raw), "${publishingScopes}", m.Apps[0].AppID+"=catalog")
			if err := os.WriteFile(filepath.Join(l.Resources(), name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		if err := openPubsub(l, m, dir); err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{
			"pubsub.yaml":      {"scopes: [replay, ", "value: replay=catalog,pricing,cart,inventory,payment,checkout,order,search,storefront,gateway;catalog=catalog"},
			"secretstore.yaml": {"scopes: [replay, "},
		}
		if profile == shop.Standard {
			want["pubsub.yaml"] = append(want["pubsub.yaml"], "name: queueDepth\n      value: \"1\"", "name: concurrency\n      value: \"1\"",
				"name: processingTimeout\n      value: \"5s\"")
		}
		for name, texts := range want {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			for _, text := range texts {
				if err != nil || !strings.Contains(string(raw), text) {
					t.Errorf("%s: %s has no %q: %v", profile, name, text, err)
				}
			}
		}
	}
}
