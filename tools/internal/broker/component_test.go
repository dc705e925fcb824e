package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRenderComponent(t *testing.T) {
	t.Parallel()
	got, err := RenderComponent(7, Component{Name: "pubsub", Socket: "jetstream-embedded", Scopes: []string{"order", "stock"}, Metadata: map[string]string{"protectedTopics": "a", "allowedTopics": "b,c"}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: pubsub
spec:
  type: pubsub.jetstream-embedded
  version: v1
  metadata:
    - name: generation
      value: "7"
    - name: allowedTopics
      value: b,c
    - name: protectedTopics
      value: a
scopes:
  - order
  - stock
`
	if string(got) != want {
		t.Fatalf("got:\n%s", got)
	}
	for _, c := range []Component{{Socket: "b"}, {Name: "pubsub", Socket: "B.sock"}, {Name: "pubsub", Socket: "b", Metadata: map[string]string{GenerationKey: "1"}}} {
		if _, err := RenderComponent(1, c); err == nil {
			t.Errorf("%+v was rendered", c)
		}
	}
}

func TestBumpCountsOnAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pubsub.yaml")
	c := Component{Name: "pubsub", Socket: "b"}
	for want := 1; want <= 3; want++ {
		got, err := Bump(path, c)
		if err != nil || got != want {
			t.Fatalf("bump %d: %d, %v", want, got, err)
		}
		if read, err := ReadGeneration(path); err != nil || read != want {
			t.Fatalf("read %d: %d, %v", want, read, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Fatalf("left behind: %v, %v", entries, err)
	}
	for _, text := range []string{"no: [yaml", "spec: {}", "spec: {metadata: [{name: generation, value: many}]}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Bump(path, c); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
