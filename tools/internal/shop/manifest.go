package shop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Manifest is dapr.yaml: the part of Dapr's multi-app run file that we use, key for key. Another key is an error.
type Manifest struct {
	Version int    `yaml:"version"`
	Name    string `yaml:"name,omitempty"`
	Common  Common `yaml:"common"`
	Apps    []App  `yaml:"apps"`
}

// Common holds for every app.
type Common struct {
	ConfigFilePath         string            `yaml:"configFilePath"`
	ResourcesPaths         []string          `yaml:"resourcesPaths"`
	APIListenAddresses     string            `yaml:"apiListenAddresses"`
	PlacementHostAddress   string            `yaml:"placementHostAddress"`
	SchedulerHostAddress   string            `yaml:"schedulerHostAddress"`
	AppProtocol            string            `yaml:"appProtocol"`
	LogLevel               string            `yaml:"logLevel"`
	EnableAppHealthCheck   bool              `yaml:"enableAppHealthCheck"`
	AppHealthCheckPath     string            `yaml:"appHealthCheckPath"`
	AppHealthProbeInterval int               `yaml:"appHealthProbeInterval"` // seconds
	AppHealthProbeTimeout  int               `yaml:"appHealthProbeTimeout"`  // milliseconds
	AppHealthThreshold     int               `yaml:"appHealthThreshold"`
	MaxBodySize            string            `yaml:"maxBodySize,omitempty"`
	DaprdLogDestination    string            `yaml:"daprdLogDestination"`
	AppLogDestination      string            `yaml:"appLogDestination"`
	Env                    map[string]string `yaml:"env,omitempty"`
}

// App is one service beside its sidecar.
type App struct {
	AppID            string            `yaml:"appID"`
	AppDirPath       string            `yaml:"appDirPath"`
	AppPort          int               `yaml:"appPort"`
	DaprHTTPPort     int               `yaml:"daprHTTPPort"`
	DaprGRPCPort     int               `yaml:"daprGRPCPort"`
	DaprInternalPort int               `yaml:"daprInternalGRPCPort"`
	MetricsPort      int               `yaml:"metricsPort"` // the sidecar's
	Command          []string          `yaml:"command"`
	Env              map[string]string `yaml:"env,omitempty"`
}

var appID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

// ReadManifest reads and checks dapr.yaml.
func ReadManifest(path string) (Manifest, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// check reports all faults at once.
func (m Manifest) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if m.Version != 1 {
		bad("version is %d, want 1", m.Version)
	}
	c := m.Common
	if !c.EnableAppHealthCheck || c.AppHealthCheckPath == "" || c.AppHealthProbeInterval < 1 || c.AppHealthThreshold < 1 {
		bad("common: the app health check must be on with path, interval and threshold: a dead app keeps its actors otherwise")
	}
	if c.APIListenAddresses != "127.0.0.1" {
		bad("common: apiListenAddresses is %q, want 127.0.0.1: sidecars listen to this machine only", c.APIListenAddresses)
	}
	if len(m.Apps) == 0 {
		bad("apps: there is none")
	}
	seen := map[int]string{}
	for _, a := range m.Apps {
		for _, p := range a.ports() {
			if p < 1024 || p > 65535 {
				bad("%s: %d is no usable port", a.AppID, p)
			} else if seen[p] != "" {
				bad("%s: port %d is taken by %s", a.AppID, p, seen[p])
			}
			seen[p] = a.AppID
		}
		if !appID.MatchString(a.AppID) {
			bad("appID %q: want lower-case letters, digits and hyphens", a.AppID)
		}
		if len(a.Command) == 0 || a.AppDirPath == "" || filepath.IsAbs(a.AppDirPath) {
			bad("%s: command and a relative appDirPath are required", a.AppID)
		}
	}
	return errors.Join(errs...)
}

func (a App) ports() []int {
	return []int{a.AppPort, a.DaprHTTPPort, a.DaprGRPCPort, a.DaprInternalPort, a.MetricsPort}
}

// HasDatabase reports whether the service is given a database of its own, and so has migrations.
func (a App) HasDatabase() bool {
	for _, v := range a.Env {
		if strings.Contains(v, "${databaseURL}") {
			return true
		}
	}
	return false
}

// Database is the name of the service's database.
func (a App) Database() string { return "sidecart_" + strings.ReplaceAll(a.AppID, "-", "_") }

// App returns the app of that id.
func (m Manifest) App(id string) (App, bool) {
	i := slices.IndexFunc(m.Apps, func(a App) bool { return a.AppID == id })
	if i < 0 {
		return App{}, false
	}
	return m.Apps[i], true
}
