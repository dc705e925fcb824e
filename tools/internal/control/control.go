// Package control acts on a shop from another terminal: stop it, wipe it, restart one service, show a log. The running
// tool stays the owner; these commands ask it, or its supervisors, and wait for the outcome.
package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
	"github.com/sidecart/sidecart/tools/internal/up"
)

// postgres is the name of the server that the tool keeps itself.
const postgres = "postgres"

// stopLimit is how long a shop may take to stop before the tool gives up on it.
const stopLimit = 90 * time.Second

// Down stops the running shop and whatever a killed tool left of one.
func Down(ctx context.Context, l shop.Layout, out io.Writer) error {
	st, running, err := shop.ReadState(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	if running {
		fmt.Fprintf(out, "stopping the shop (pid %d)\n", st.Tool.PID)
		st.Tool.Signal(syscall.SIGTERM)
		if err := wait(ctx, func() bool { return !st.Tool.Alive() }); err != nil {
			return fmt.Errorf("the shop (pid %d) does not stop: %w", st.Tool.PID, err)
		}
	}
	left, err := supervise.List(l.Processes())
	if err != nil {
		return err
	}
	var names []string
	for _, s := range left {
		if s.Alive {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(out, "stopping what a killed tool left: %s\n", strings.Join(names, ", "))
		if err := supervise.Stop(ctx, l.Processes(), names...); err != nil {
			return err
		}
	}
	if !running && len(names) == 0 {
		fmt.Fprintln(out, "the shop does not run")
	}
	return nil
}

func wait(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// Reset stops the shop and deletes its state folder.
func Reset(ctx context.Context, l shop.Layout, out io.Writer) error {
	if _, err := os.Stat(l.Data); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(out, "there is no data")
		return nil
	}
	if _, err := os.Stat(l.Run()); err != nil {
		return fmt.Errorf("%s does not look like the state folder of a shop, nothing is deleted: %w", l.Data, err)
	}
	if err := Down(ctx, l, out); err != nil {
		return err
	}
	lock, err := os.OpenFile(l.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("the shop is being started: nothing is deleted")
	}
	err = errors.Join(pgserver.Remove(l.Postgres()), os.RemoveAll(l.Sockets()), os.RemoveAll(l.Data))
	if err == nil {
		fmt.Fprintf(out, "deleted %s\n", l.Data)
	}
	return err
}

// Restart builds one service anew, migrates its database, and restarts it beside its sidecar, or restarts one of the
// other processes as it is. It returns when the service answers again.
func Restart(ctx context.Context, l shop.Layout, name string, out io.Writer) error {
	st, err := shop.Running(l)
	if err != nil {
		return err
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if name == postgres {
		if err := restartPostgres(ctx, l, st); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s runs again (%s)\n", name, since(begin))
		return nil
	}
	m, err := shop.ReadManifest(l.Manifest())
	if err != nil {
		return err
	}
	app, isApp := m.App(name)
	if isApp {
		if err := up.Build(ctx, l, app); err != nil {
			return err
		}
		fmt.Fprintf(out, "built %s (%s)\n", name, since(begin))
		if err := migrate(ctx, l, m, st, app); err != nil {
			return err
		}
	}
	if _, err := supervise.Restart(ctx, l.Processes(), name); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("nothing called %q runs; there is: %s", name, strings.Join(Names(l), ", "))
		}
		return err
	}
	if id := strings.TrimSuffix(name, ".daprd"); isApp || id != name {
		if err := up.Answers(ctx, st, id); err != nil {
			return fmt.Errorf("%s was restarted but does not answer: %w (`bin/sidecart logs %s`)", name, err, name)
		}
	}
	fmt.Fprintf(out, "%s runs again (%s)\n", name, since(begin))
	return nil
}

// restartPostgres has the server end as it should, which its keeper answers by starting it again, and waits until it takes
// connections.
func restartPostgres(ctx context.Context, l shop.Layout, st shop.State) error {
	old, err := pgserver.Find(l.Postgres())
	if err != nil {
		return err
	}
	old.Signal(syscall.SIGINT)
	err = wait(ctx, func() bool {
		now, err := pgserver.Find(l.Postgres())
		if err != nil || now == old {
			return false
		}
		c, err := pgx.Connect(ctx, st.Server)
		return err == nil && c.Close(ctx) == nil
	})
	if err != nil {
		return fmt.Errorf("postgres does not come back: %w (`bin/sidecart logs postgres`)", err)
	}
	return nil
}

func migrate(ctx context.Context, l shop.Layout, m shop.Manifest, st shop.State, app shop.App) error {
	if !app.HasDatabase() {
		return nil
	}
	secrets, err := shop.LoadSecrets(l, m)
	if err != nil {
		return err
	}
	s := shop.Shop{Layout: l, Manifest: m, Ports: st.Ports, Secrets: secrets, DatabaseURL: func(string) string { return st.Databases[app.AppID] }}
	return up.Migrate(ctx, s, app)
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }

// Names lists what can be restarted: the processes under supervision, and postgres.
func Names(l shop.Layout) []string {
	names := []string{postgres}
	states, _ := supervise.List(l.Processes())
	for _, s := range states {
		if s.Alive {
			names = append(names, s.Name)
		}
	}
	return names
}

// Logs writes the last lines of a process's log and, if follow is set, what is added until ctx ends.
func Logs(ctx context.Context, l shop.Layout, name string, lines int, follow bool, out io.Writer) error {
	if name == "" {
		return fmt.Errorf("whose log? There is: %s", strings.Join(logNames(l), ", "))
	}
	path := l.Log(name)
	if name == postgres {
		path = filepath.Join(l.Postgres(), "server.log")
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("no log of %q; there is: %s", name, strings.Join(logNames(l), ", "))
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := tail(f, lines, out); err != nil || !follow {
		return err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.Copy(out, f); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		f = reopened(path, f)
	}
}

// reopened follows a log that made way for a new one.
func reopened(path string, f *os.File) *os.File {
	now, err := os.Stat(path)
	old, oldErr := f.Stat()
	if err != nil || oldErr != nil || os.SameFile(now, old) {
		return f
	}
	fresh, err := os.Open(path)
	if err != nil {
		return f
	}
	_ = f.Close()
	return fresh
}

// tail writes the last lines and leaves f at its end.
func tail(f *os.File, lines int, out io.Writer) error {
	const most = 4 << 20
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Seek(max(0, size-most), io.SeekStart); err != nil {
		return err
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	all := strings.SplitAfter(string(raw), "\n")
	_, err = io.WriteString(out, strings.Join(all[max(0, len(all)-1-lines):], ""))
	return err
}

func logNames(l shop.Layout) []string {
	files, _ := filepath.Glob(filepath.Join(l.Logs(), "*.log"))
	names := []string{postgres}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".log"))
	}
	return names
}
