package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

const (
	postgres = "postgres" // the one process that is not under a supervisor of its own
	runner   = "dapr"     // the one that runs all apps and sidecars
)

// victims are the processes that may be killed and frozen, and the services that tell events, in an order that is always the same.
func (r *run) victims() (processes, tellers []string) {
	for _, s := range r.State.Services {
		processes = append(processes, s.ID, s.ID+".daprd")
		if _, stores := r.State.Databases[s.ID]; stores {
			tellers = append(tellers, s.ID)
		}
	}
	processes = append(processes, shop.Servers(r.State.Profile)...)
	processes = append(processes, postgres, "placement", "scheduler", "braintree-simulator")
	slices.Sort(processes)
	slices.Sort(tellers)
	return processes, tellers
}

var errBetweenLives = errors.New("it is between two lives")

// find is the process that bears a name now, and those that belong to it.
func (r *run) find(name string) ([]proc.ID, error) {
	if name == postgres {
		id, err := pgserver.Find(r.Layout.Postgres())
		if err != nil {
			return nil, errBetweenLives
		}
		return append([]proc.ID{id}, children(id.PID)...), nil // its backends
	}
	st, err := supervise.Read(r.Layout.Processes(), name)
	if err != nil {
		return nil, err
	}
	id, err := proc.Find(st.ChildPID)
	if st.ChildPID == 0 || err != nil {
		return nil, errBetweenLives
	}
	return []proc.ID{id}, nil
}

// children are the processes whose parent pid is.
func children(pid int) (all []proc.ID) {
	found, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range found {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // ended
		}
		for word := range strings.FieldsSeq(string(raw)) {
			n, _ := strconv.Atoi(word)
			if id, err := proc.Find(n); err == nil {
				all = append(all, id)
			}
		}
	}
	return all
}

// kill ends a process by kill -9. Postgres' backends see that it is gone.
func (r *run) kill(name string) error {
	ids, err := r.find(name)
	if err != nil {
		return err
	}
	ids[0].Signal(syscall.SIGKILL)
	return nil
}

// freeze stops a process and what belongs to it, and lets them go on when the time is over or the run is.
func (r *run) freeze(ctx context.Context, f fault) error {
	ids, err := r.find(f.on)
	if err != nil {
		return err
	}
	for _, id := range ids {
		id.Signal(syscall.SIGSTOP)
	}
	defer func() {
		for _, id := range ids {
			id.Signal(syscall.SIGCONT)
		}
	}()
	wait(ctx, f.lasts)
	return nil
}

// wait returns when the time is over, or the run.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
