// Package status shows what runs of a shop: every process with pid, address, health, memory and how often it was started.
package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// Process is one line.
type Process struct {
	Name    string    `json:"name"`
	Phase   string    `json:"phase"`
	PID     int       `json:"pid"` // 0 while it is away
	Address string    `json:"address"`
	Health  string    `json:"health"` // "ok" or what it says instead
	Memory  int64     `json:"memory"` // bytes, see proc.Memory; postgres with its backends
	Starts  int       `json:"starts"`
	Started time.Time `json:"started"`
	LastEnd string    `json:"last_end,omitempty"`
}

// Report is the whole shop.
type Report struct {
	Shop      shop.State `json:"-"` // holds a password
	Phase     string     `json:"phase"`
	Profile   string     `json:"profile"`
	Gateway   string     `json:"gateway,omitempty"`
	Pages     string     `json:"storefront,omitempty"`
	Processes []Process  `json:"processes"`
	Memory    int64      `json:"memory"` // bytes, of all and of the tool with its supervisors
}

// Healthy reports whether all runs and answers.
func (r Report) Healthy() bool {
	for _, p := range r.Processes {
		if p.Health != "ok" {
			return false
		}
	}
	return r.Phase == shop.PhaseServing
}

// Get asks everything now. It returns shop.ErrNotRunning if there is nothing to ask.
func Get(ctx context.Context, l shop.Layout) (Report, error) {
	st, err := shop.Running(l)
	if err != nil {
		return Report{}, err
	}
	states, err := supervise.List(l.Processes())
	if err != nil {
		return Report{}, err
	}
	where, err := addresses(l, st)
	if err != nil {
		return Report{}, err
	}
	r := Report{Shop: st, Phase: st.Phase, Profile: st.Profile, Gateway: st.Gateway, Pages: st.Shop}
	r.Processes = append(r.Processes, postgres(ctx, l, st))
	for _, s := range states {
		if !s.Alive { // its supervisor was killed, and it with it
			s.ChildPID = 0
		}
		r.Processes = append(r.Processes, Process{
			Name: s.Name, Phase: s.Phase, PID: s.ChildPID, Address: where[s.Name].address, Starts: s.Starts, Started: s.Started, LastEnd: s.LastEnd,
		})
	}
	var wg sync.WaitGroup
	for i := range r.Processes {
		p := &r.Processes[i]
		p.Memory = proc.Memory(p.PID)
		if p.Name == "postgres" {
			p.Memory += memory(proc.Children(p.PID))
		}
		if p.Health == "" {
			wg.Go(func() { p.Health = ask(ctx, *p, where[p.Name]) })
		}
	}
	wg.Wait()
	for _, p := range r.Processes {
		r.Memory += p.Memory
	}
	r.Memory += memory(supervisors(st, states))
	return r, nil
}

// supervisors lists the tool and every `sidecart exec`, each once.
func supervisors(st shop.State, states []supervise.State) []int {
	pids := []int{st.Tool.PID}
	for _, s := range states {
		if !slices.Contains(pids, s.WrapperPID) {
			pids = append(pids, s.WrapperPID)
		}
	}
	return pids
}

func memory(pids []int) (sum int64) {
	for _, pid := range pids {
		sum += proc.Memory(pid)
	}
	return sum
}

// place is where a process listens and whom to ask for its health: a URL, or by ready what speaks no HTTP; neither cannot be asked.
type place struct {
	address, health string
	ready           func(ctx context.Context) error
}

func addresses(l shop.Layout, st shop.State) (map[string]place, error) {
	port := st.Ports.Of
	m := map[string]place{
		shop.BrokerServer: {address: shop.Local(port(shop.BrokerStatusPort)), health: shop.URL(port(shop.BrokerStatusPort)) + "/healthz"},
		"placement":       {address: shop.Local(port(shop.PlacementPort)), health: shop.URL(port(shop.PlacementHealthPort)) + "/healthz"},
		"scheduler":       {address: shop.Local(port(shop.SchedulerPort)), health: shop.URL(port(shop.SchedulerHealthPort)) + "/healthz"},
	}
	servers, err := infra.Running(l, st)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		m[s.Name] = place{address: s.Address, ready: s.Ready}
	}
	bare := func(url string) string { return strings.TrimPrefix(url, "http://") }
	for _, s := range st.Services {
		address := bare(s.App)
		if s.Public != "" {
			address += " " + bare(s.Public)
		}
		m[s.ID] = place{address: address, health: s.App + "/readyz"}
		m[s.ID+".daprd"] = place{address: bare(s.Sidecar) + " " + s.SidecarGRPC, health: s.Sidecar + "/v1.0/healthz"}
	}
	for name, url := range st.Simulator {
		m[name+"-simulator"] = place{address: bare(url), health: url + "/"}
	}
	return m, nil
}

func ask(ctx context.Context, p Process, at place) string {
	if p.PID == 0 {
		return "away"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if at.ready != nil {
		if err := at.ready(ctx); err != nil {
			return "no answer"
		}
		return "ok"
	}
	if at.health == "" {
		return "ok"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.health, nil)
	if err != nil {
		return err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "no answer"
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return res.Status
	}
	return "ok"
}

// postgres is not under a supervisor of its own: the tool keeps it.
func postgres(ctx context.Context, l shop.Layout, st shop.State) Process {
	p := Process{Name: "postgres", Phase: supervise.PhaseRunning, Address: shop.Local(st.Ports.Of(shop.PostgresPort)), Health: "ok"}
	if id, err := pgserver.Find(l.Postgres()); err == nil {
		p.PID = id.PID
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, st.Server)
	if err != nil {
		p.Health = "no answer"
		return p
	}
	if err := c.QueryRow(ctx, "SELECT pg_postmaster_start_time()").Scan(&p.Started); err != nil {
		p.Health = err.Error()
	}
	_ = c.Close(ctx)
	return p
}

// ErrUnhealthy ends the command with a failure when something does not answer.
var ErrUnhealthy = errors.New("not everything answers")

// Print writes the report for a person.
func (r Report) Print(out io.Writer, now time.Time) error {
	fmt.Fprintf(out, "%s (pid %d), profile %s, %s, pages %s\n\n", r.Phase, r.Shop.Tool.PID, r.Profile, r.Gateway, cmp.Or(r.Pages, "-"))
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "PROCESS\tPID\tADDRESS\tHEALTH\tMEMORY\tUP\tSTARTS")
	for _, p := range r.Processes {
		age := "-"
		if p.PID != 0 && !p.Started.IsZero() {
			age = now.Sub(p.Started).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%d\n", p.Name, p.PID, p.Address, p.Health, mib(p.Memory), age, max(1, p.Starts))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nmemory in all: %s\n", mib(r.Memory))
	if !r.Healthy() {
		return ErrUnhealthy
	}
	return nil
}

func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }

// JSON writes the report for a program.
func (r Report) JSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
