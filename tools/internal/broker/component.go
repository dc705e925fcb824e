package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// GenerationKey is the metadata item whose change makes every daprd close, init and subscribe anew (hot reload compares
// the whole component). The broker itself only logs it.
const GenerationKey = "generation"

// Component is the Dapr component that shows the broker to the sidecars.
type Component struct {
	Name     string            // the name that apps use, "pubsub"
	Socket   string            // Config.Name of the broker
	Scopes   []string          // app ids that may load it; none means all
	Metadata map[string]string // further items, e.g. publishingScopes
}

type componentYAML struct {
	APIVersion string        `yaml:"apiVersion"`
	Kind       string        `yaml:"kind"`
	Metadata   componentMeta `yaml:"metadata"`
	Spec       componentSpec `yaml:"spec"`
	Scopes     []string      `yaml:"scopes,omitempty"`
}

type componentMeta struct {
	Name string `yaml:"name"`
}

type componentSpec struct {
	Type     string          `yaml:"type"`
	Version  string          `yaml:"version"`
	Metadata []componentItem `yaml:"metadata"`
}

type componentItem struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// RenderComponent writes the component's YAML, the same bytes for the same input.
func RenderComponent(generation int, c Component) ([]byte, error) {
	if generation < 1 || c.Name == "" || !socketName.MatchString(c.Socket) {
		return nil, fmt.Errorf("render component: generation %d, name %q, socket %q: one is unusable", generation, c.Name, c.Socket)
	}
	doc := componentYAML{APIVersion: "dapr.io/v1alpha1", Kind: "Component", Scopes: c.Scopes}
	doc.Metadata.Name = c.Name
	doc.Spec = componentSpec{Type: "pubsub." + c.Socket, Version: "v1", Metadata: []componentItem{{GenerationKey, strconv.Itoa(generation)}}}
	for _, k := range slices.Sorted(maps.Keys(c.Metadata)) {
		if k == GenerationKey {
			return nil, fmt.Errorf("render component: %q is no free metadata item", k)
		}
		doc.Spec.Metadata = append(doc.Spec.Metadata, componentItem{k, c.Metadata[k]})
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("render component: %w", err)
	}
	return buf.Bytes(), nil
}

// ReadGeneration finds the generation in a rendered component; 0 without a file.
func ReadGeneration(path string) (int, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read component: %w", err)
	}
	var doc componentYAML
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return 0, fmt.Errorf("read component %s: %w", path, err)
	}
	for _, item := range doc.Spec.Metadata {
		if item.Name == GenerationKey {
			n, err := strconv.Atoi(item.Value)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("read component %s: generation %q is no positive number", path, item.Value)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("read component %s: no %q in it", path, GenerationKey)
}

// Bump renders the component with the next generation over the file, in one step: a sidecar sees the old file or the new
// one, never a half. It is also the way to write the file for the first time.
func Bump(path string, c Component) (generation int, err error) {
	generation, err = ReadGeneration(path)
	if err != nil {
		return 0, err
	}
	generation++
	data, err := RenderComponent(generation, c)
	if err != nil {
		return 0, err
	}
	return generation, writeAtomic(path, data)
}

// writeAtomic goes by way of a file outside the watched folder's YAML names, so that no sidecar loads it.
func writeAtomic(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".component-*.tmp")
	if err != nil {
		return fmt.Errorf("write component: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	if _, err := tmp.Write(data); err != nil {
		_ = tmp.Close()
		return fmt.Errorf("write component: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write component: %w", err)
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil { //nolint:gosec // no secret: the sidecars read it
		return fmt.Errorf("write component: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write component: %w", err)
	}
	return nil
}
