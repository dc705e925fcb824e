package shop

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sidecart/sidecart/tools/internal/proc"
)

// The phases of a running shop.
const (
	PhaseStarting = "starting" // until it is seeded too
	PhaseServing  = "serving"
	PhaseStopping = "stopping"
)

// State is what the running tool tells other processes (status, doctor, tests), in run/shop.json. It holds a password
// and so is readable by the owner alone. The file outlives a tool that was killed: ask Running.
type State struct {
	Tool      proc.ID           `json:"tool"`
	Phase     string            `json:"phase"`
	Started   time.Time         `json:"started"`
	Root      string            `json:"root"`
	Profile   string            `json:"profile"`
	Ports     Ports             `json:"ports"`
	Gateway   string            `json:"gateway,omitempty"`    // base URL of the public API
	Shop      string            `json:"storefront,omitempty"` // base URL of the shop's pages
	Server    string            `json:"server"`               // the superuser's connection string, database postgres
	Databases map[string]string `json:"databases"`            // app id → connection string
	Services  []Service         `json:"services"`
	Simulator map[string]string `json:"simulators"` // name → base URL
}

// Service is where one service and its sidecar listen.
type Service struct {
	ID          string `json:"id"`
	App         string `json:"app"`          // base URL
	Sidecar     string `json:"sidecar"`      // base URL of its HTTP API
	SidecarGRPC string `json:"sidecar_grpc"` // address
	Public      string `json:"public,omitempty"`
	Metrics     string `json:"metrics,omitempty"` // base URL of /metrics
}

// Local writes an address of this machine.
func Local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// URL writes the base URL of a port of this machine.
func URL(port int) string { return "http://" + Local(port) }

// The variables by which a service is given more listeners: a public one, and one that shows what it counts.
const (
	publicAddr  = "SIDECART_PUBLIC_ADDR"
	metricsAddr = "SIDECART_METRICS_ADDR"
)

// Describe fills a State from the shop.
func (s Shop) Describe() (State, error) {
	st := State{Root: s.Layout.Root, Profile: cmp.Or(s.Layout.Profile, Embedded), Ports: s.Ports, Server: s.DatabaseURL("postgres"), Databases: map[string]string{}, Simulator: map[string]string{}}
	for _, app := range s.Manifest.Apps {
		env, err := s.AppEnv(app)
		if err != nil {
			return State{}, err
		}
		svc := Service{
			ID: app.AppID, App: URL(s.Ports.Of(app.AppPort)), Sidecar: URL(s.Ports.Of(app.DaprHTTPPort)),
			SidecarGRPC: Local(s.Ports.Of(app.DaprGRPCPort)),
		}
		if addr := env[publicAddr]; addr != "" {
			svc.Public = "http://" + addr
		}
		if addr := env[metricsAddr]; addr != "" {
			svc.Metrics = "http://" + addr
		}
		switch app.AppID {
		case "gateway":
			st.Gateway = svc.Public
		case "storefront":
			st.Shop = svc.Public
		}
		if app.HasDatabase() {
			st.Databases[app.AppID] = s.DatabaseURL(app.Database())
		}
		st.Services = append(st.Services, svc)
	}
	for _, sim := range s.Layout.Simulators() {
		st.Simulator[sim.Name] = URL(s.Ports.Of(sim.Port))
	}
	return st, nil
}

// Save writes the state for others.
func (st State) Save(l Layout) error { return writeJSON(l.StateFile(), st) }

// ErrNotRunning is returned where a running shop is needed.
var ErrNotRunning = errors.New("the shop does not run: start it with `make run`")

// ReadState returns what the last tool said. running is false when there never was one or when it is gone.
func ReadState(l Layout) (st State, running bool, err error) {
	raw, err := os.ReadFile(l.StateFile())
	if errors.Is(err, os.ErrNotExist) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, err
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return State{}, false, fmt.Errorf("%s: %w", l.StateFile(), err)
	}
	return st, st.Tool.Alive(), nil
}

// Running is ReadState for those who need a running shop.
func Running(l Layout) (State, error) {
	st, running, err := ReadState(l)
	if err == nil && !running {
		err = ErrNotRunning
	}
	return st, err
}
