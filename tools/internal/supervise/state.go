package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Phases of a supervised process.
const (
	PhaseRunning  = "running"
	PhaseStopping = "stopping" // told to stop, not gone yet
	PhaseWaiting  = "waiting"  // dead, waiting for its next start
)

// State is what a supervisor tells the outside, in StateDir/NAME.json. The
// file outlives a supervisor that was killed; Alive is then false.
type State struct {
	Name       string    `json:"name"`
	Phase      string    `json:"phase"`
	WrapperPID int       `json:"wrapper_pid"` // the process that supervises
	ChildPID   int       `json:"child_pid"`   // 0 while there is none
	Argv       []string  `json:"argv"`
	LogFile    string    `json:"log_file,omitempty"`
	Started    time.Time `json:"started"`            // of the present child
	Starts     int       `json:"starts"`             // how often it was started
	LastEnd    string    `json:"last_end,omitempty"` // how it last died by itself
	LastEndAt  time.Time `json:"last_end_at,omitzero"`
	Control    string    `json:"control"` // Unix socket that takes requests

	Alive bool `json:"-"` // its supervisor lives
}

// List reads every State in dir, sorted by name. A directory that does not
// exist holds none.
func List(dir string) ([]State, error) {
	paths, err := filepath.Glob(filepath.Join(escape(dir), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("supervise: list %s: %w", dir, err)
	}
	var out []State
	for _, path := range paths {
		st, err := Read(dir, strings.TrimSuffix(filepath.Base(path), ".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// escape keeps Glob from reading a pattern in a directory's name.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// Read reads the State of one name in dir. An error wraps fs.ErrNotExist if
// there is none.
func Read(dir, name string) (State, error) {
	var st State
	if filepath.Base(name) != name {
		return st, fmt.Errorf("supervise: %q cannot be a name: %w", name, fs.ErrNotExist)
	}
	raw, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		return st, fmt.Errorf("supervise: state of %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, fmt.Errorf("supervise: state of %s: %w", name, err)
	}
	st.Alive = alive(dir, name)
	return st, nil
}

// alive asks the lock, which the kernel drops when its holder dies: a process
// id can belong to somebody else by now. The shared lock lets two askers be.
func alive(dir, name string) bool {
	lock := flock.New(filepath.Join(dir, name+".lock"), flock.SetFlag(os.O_RDONLY))
	defer func() { _ = lock.Close() }()
	got, err := lock.TryRLock()
	return err == nil && !got
}

// stateFile is a supervisor's own side of State. A nil *stateFile keeps none.
type stateFile struct {
	mu      sync.Mutex
	dir     string
	st      State
	lock    *flock.Flock
	control *control
}

// openState takes the name in cfg.StateDir and writes the first State.
func openState(ctx context.Context, s *Supervisor) (*stateFile, error) {
	cfg := s.cfg
	if cfg.StateDir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	lock, name, err := takeName(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ctl, err := listen(cfg.StateDir, name, s)
	if err != nil {
		_ = lock.Unlock()
		return nil, err
	}
	f := &stateFile{dir: cfg.StateDir, lock: lock, control: ctl, st: State{
		Name: name, Phase: PhaseWaiting, WrapperPID: os.Getpid(), Argv: cfg.Argv,
		LogFile: cfg.LogFile, Control: ctl.path,
	}}
	if err := f.write(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// takeName locks the name, or the first free numbered one.
func takeName(ctx context.Context, cfg Config) (*flock.Flock, string, error) {
	const replicas = 32
	for n := 1; n <= replicas; n++ {
		name := cfg.Name
		if n > 1 {
			name = fmt.Sprintf("%s-%d", cfg.Name, n)
		}
		lock := flock.New(filepath.Join(cfg.StateDir, name+".lock"))
		// Somebody who reads the state holds the lock for a moment.
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		got, err := lock.TryLockContext(short, 20*time.Millisecond)
		cancel()
		if got {
			return lock, name, nil
		}
		_ = lock.Close()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, "", fmt.Errorf("supervise: lock %s: %w", name, err)
		}
		if !cfg.Numbered {
			break
		}
	}
	if st, err := Read(cfg.StateDir, cfg.Name); err == nil {
		return nil, "", fmt.Errorf("supervise: %s runs already, under pid %d", cfg.Name, st.WrapperPID)
	}
	return nil, "", fmt.Errorf("supervise: %s runs already", cfg.Name)
}

func (f *stateFile) running(pid int) {
	f.change(func(st *State) {
		st.Phase, st.ChildPID, st.Started = PhaseRunning, pid, time.Now().UTC()
		st.Starts++
	})
}

func (f *stateFile) stopping() {
	f.change(func(st *State) { st.Phase = PhaseStopping })
}

func (f *stateFile) waiting(end string) {
	f.change(func(st *State) {
		st.Phase, st.ChildPID, st.LastEnd, st.LastEndAt = PhaseWaiting, 0, end, time.Now().UTC()
	})
}

// change writes the state anew. A full disk must not end the process that is
// looked after, so the error is dropped: the next change tries again.
func (f *stateFile) change(apply func(*State)) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	apply(&f.st)
	_ = f.write()
}

func (f *stateFile) path() string { return filepath.Join(f.dir, f.st.Name+".json") }

func (f *stateFile) write() error {
	raw, err := json.Marshal(f.st)
	if err != nil {
		return fmt.Errorf("supervise: encode state: %w", err)
	}
	part := f.path() + ".part"
	if err := os.WriteFile(part, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("supervise: write state: %w", err)
	}
	if err := os.Rename(part, f.path()); err != nil {
		return fmt.Errorf("supervise: write state: %w", err)
	}
	return nil
}

// close forgets the state. The lock file stays: to remove it would let two
// supervisors hold the lock of one name, each on a file of its own.
func (f *stateFile) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.control.close()
	_ = os.Remove(f.path())
	_ = f.lock.Unlock()
}
