package shop

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The databases of the components.
const (
	CartsDatabase  = "dapr_carts"
	ActorsDatabase = "dapr_actorstate"
)

// BrokerName is the socket name of the broker, and so its component type.
const BrokerName = "sidecart-broker"

// pubsubFile is rendered again, with another generation, when the broker was away.
const pubsubFile = "pubsub.yaml"

// Shop is one shop: where it is, what it runs, on which ports, with which secrets.
type Shop struct {
	Layout   Layout
	Manifest Manifest
	Ports    Ports
	Secrets  Secrets
	// DatabaseURL returns the connection string of a database's owner; of "postgres", the superuser's.
	DatabaseURL func(database string) string
}

// vars are the placeholders that every file may use.
func (s Shop) vars() map[string]string {
	return map[string]string{
		"config":           s.Layout.Config(),
		"resources":        s.Layout.Resources(),
		"root":             s.Layout.Root,
		"data":             s.Layout.Data,
		"keys":             s.Layout.Keys(),
		"bin":              s.Layout.Bin(),
		"secrets":          s.Layout.Secrets(),
		"hosts":            s.Layout.Hosts(),
		"broker":           BrokerName,
		"publishingScopes": s.publishingScopes(),
		"openSearchURLs":   s.openSearchURLs(),
	}
}

// openSearchURLs are where search keeps its index; empty: in a folder of its own.
func (s Shop) openSearchURLs() string {
	if slices.Contains(Servers(s.Layout.Profile), OpenSearchServer) {
		return URL(s.Ports.Of(OpenSearchPort))
	}
	return ""
}

// expand replaces ${name} and ${port:N}; an unknown name is an error.
func (s Shop) expand(text string, vars map[string]string) (string, error) {
	var errs []error
	out := os.Expand(text, func(name string) string {
		if n, found := strings.CutPrefix(name, "port:"); found {
			port, err := strconv.Atoi(n)
			if err == nil {
				return strconv.Itoa(s.Ports.Of(port))
			}
		}
		v, ok := vars[name]
		if !ok {
			errs = append(errs, fmt.Errorf("unknown placeholder ${%s}", name))
		}
		return v
	})
	return out, errors.Join(errs...)
}

// publishingScopes lets each app publish the topic that it owns, which bears its name, and the dead letters of what it
// subscribes to.
func (s Shop) publishingScopes() string {
	var scopes []string
	for _, app := range s.Manifest.Apps {
		topics := []string{app.AppID}
		for _, owner := range s.Manifest.Apps {
			topics = append(topics, owner.AppID+".dead."+app.AppID)
		}
		scopes = append(scopes, app.AppID+"="+strings.Join(topics, ","))
	}
	return strings.Join(scopes, ";")
}

// Render writes everything that Dapr reads. wrap builds the command that runs argv under supervision.
func (s Shop) Render(daprd string, wrap func(name string, argv []string) []string, wrapDaprd func() []string) error {
	if err := writeJSON(s.Layout.Secrets(), s.Secrets.componentSecrets(s.DatabaseURL)); err != nil {
		return err
	}
	if err := s.renderComponents(); err != nil {
		return err
	}
	if err := s.renderManifest(wrap); err != nil {
		return err
	}
	return s.renderDaprd(daprd, wrapDaprd())
}

func (s Shop) renderComponents() error {
	files, err := filepath.Glob(filepath.Join(s.Layout.Components(), "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no components in %s: %w", s.Layout.Components(), errors.Join(err, os.ErrNotExist))
	}
	if err := os.RemoveAll(s.Layout.Resources()); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Layout.Resources(), 0o755); err != nil {
		return err
	}
	for _, f := range files {
		target := filepath.Join(s.Layout.Resources(), filepath.Base(f))
		if filepath.Base(f) == filepath.Base(s.Layout.Config()) {
			target = s.Layout.Config()
		}
		if err := s.renderFile(f, target, "1"); err != nil {
			return err
		}
	}
	return nil
}

// Pubsub is where the rendered pub/sub component is.
func (s Shop) Pubsub() string { return filepath.Join(s.Layout.Resources(), pubsubFile) }

// RenderPubsub writes the pub/sub component again, so that every sidecar subscribes anew.
func (s Shop) RenderPubsub(generation string) error {
	return s.renderFile(filepath.Join(s.Layout.Components(), pubsubFile), s.Pubsub(), generation)
}

func (s Shop) renderFile(from, to, generation string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	vars := s.vars()
	vars["generation"] = generation
	text, err := s.expand(string(raw), vars)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return writeFile(to, []byte(text), 0o600)
}

// AppEnv is the environment that dapr.yaml gives an app, common and own, with the real values.
func (s Shop) AppEnv(app App) (map[string]string, error) {
	vars := s.vars()
	vars["appPort"] = strconv.Itoa(s.Ports.Of(app.AppPort))
	vars["databaseURL"] = s.DatabaseURL(app.Database())
	env := maps.Clone(s.Manifest.Common.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, app.Env)
	var errs []error
	for k, v := range env {
		var err error
		env[k], err = s.expand(v, vars)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", app.AppID, k, err))
		}
	}
	return env, errors.Join(errs...)
}

// Command is the app's own command, unwrapped.
func (s Shop) Command(app App) ([]string, error) {
	var argv []string
	for _, a := range app.Command {
		v, err := s.expand(a, s.vars())
		if err != nil {
			return nil, fmt.Errorf("%s: command: %w", app.AppID, err)
		}
		argv = append(argv, v)
	}
	return argv, nil
}

func (s Shop) renderManifest(wrap func(name string, argv []string) []string) error {
	m := s.Manifest
	m.Common.Env = nil
	var errs []error
	replace := func(text *string) {
		v, err := s.expand(*text, s.vars())
		errs = append(errs, err)
		*text = v
	}
	replace(&m.Common.ConfigFilePath)
	replace(&m.Common.PlacementHostAddress)
	replace(&m.Common.SchedulerHostAddress)
	m.Common.ResourcesPaths = append([]string(nil), m.Common.ResourcesPaths...)
	for i := range m.Common.ResourcesPaths {
		replace(&m.Common.ResourcesPaths[i])
	}
	m.Apps = append([]App(nil), m.Apps...)
	for i := range m.Apps {
		errs = append(errs, s.renderApp(&m.Apps[i], wrap))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("dapr.yaml: %w", err)
	}
	raw, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	return writeFile(s.Layout.DaprYAML(), raw, 0o600)
}

func (s Shop) renderApp(app *App, wrap func(name string, argv []string) []string) error {
	env, err := s.AppEnv(*app)
	if err != nil {
		return err
	}
	argv, err := s.Command(*app)
	if err != nil {
		return err
	}
	app.Env = env
	app.Command = wrap(app.AppID, argv)
	// The dapr CLI makes a log folder where an app runs: that must not be among the sources.
	app.AppDirPath = filepath.Join(s.Layout.Dapr(), "apps", app.AppID)
	if err := os.MkdirAll(app.AppDirPath, 0o755); err != nil {
		return err
	}
	for _, p := range []*int{&app.AppPort, &app.DaprHTTPPort, &app.DaprGRPCPort, &app.DaprInternalPort, &app.MetricsPort} {
		*p = s.Ports.Of(*p)
	}
	return nil
}

// renderDaprd writes the stand-in for daprd. The dapr CLI has no flags for the two addresses that daprd opens to the
// network by default, nor for the time that it takes to stop, which is without bound then.
func (s Shop) renderDaprd(daprd string, wrapper []string) error {
	argv := append(wrapper, daprd)
	for i := range argv {
		argv[i] = "'" + strings.ReplaceAll(argv[i], "'", `'\''`) + "'"
	}
	script := "#!/bin/sh\nexec " + strings.Join(argv, " ") +
		" \"$@\" --metrics-listen-address 127.0.0.1 --dapr-internal-grpc-listen-address 127.0.0.1 --dapr-graceful-shutdown-seconds 5\n"
	return writeFile(s.Layout.daprd(), []byte(script), 0o700)
}
