// Package testenv gives one command what tests across processes need, and takes it away again: a private Postgres in a
// temporary folder on a free port, the folder with the Dapr binaries, and an OpenSearch where that is asked for. Tests find them in
// their environment and fail loudly without. It runs beside a shop and beside other test runs; whatever the command's end, nothing stays behind.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/seed"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
)

// The variables that the command gets.
const (
	DatabaseURL = "SIDECART_TEST_DATABASE_URL"   // a superuser's connection string; tests make schemas and databases in it
	DaprDir     = "SIDECART_DAPR_DIR"            // the folder that holds daprd, placement, scheduler and dapr
	OpenSearch  = "SIDECART_TEST_OPENSEARCH_URL" // of a server for all tests; they make indexes of their own in it
	Shop        = "SIDECART_TEST_SHOP"           // a folder with what the sample shop is seeded with: products.jsonl (seed.WriteTold), synonyms.json
)

// Options say what to run.
type Options struct {
	Command        []string
	Dapr           func(context.Context) (dir string, err error) // finds or builds the Dapr binaries; nil leaves DaprDir alone
	OpenSearch     bool                                          // start one too
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ExitError carries the exit code of the command.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("the command ended with exit code %d", e.Code) }

// Run runs the command in the environment. A signal to the tool is passed on to the command, which decides when to end.
func Run(ctx context.Context, opt Options) (err error) {
	if len(opt.Command) == 0 {
		return errors.New("testenv: which command?")
	}
	env := os.Environ()
	if opt.Dapr != nil && os.Getenv(DaprDir) == "" {
		dir, err := opt.Dapr(ctx)
		if err != nil {
			return fmt.Errorf("testenv: %w", err)
		}
		env = append(env, DaprDir+"="+dir)
	}
	dir, err := temporary()
	if err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	postgres := filepath.Join(dir, "postgres")
	defer func() { err = errors.Join(err, pgserver.Remove(postgres), os.RemoveAll(dir)) }()
	if err := sample(dir); err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	env = append(env, Shop+"="+dir)

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: postgres, Unsafe: true, Progress: opt.Stderr})
	if err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	env = append(env, DatabaseURL+"="+server.URL("postgres"))
	if opt.OpenSearch {
		url, stop, err := openSearch(ctx, filepath.Join(dir, "opensearch"), opt.Stderr)
		if err != nil {
			return fmt.Errorf("testenv: %w", err)
		}
		defer stop()
		env = append(env, OpenSearch+"="+url)
	}
	return command(opt, env, signals)
}

// temporary makes a folder that an unprivileged server may enter.
func temporary() (string, error) {
	dir, err := os.MkdirTemp("", "sidecart-test-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// sample writes what the sample shop is seeded with.
func sample(dir string) error {
	shop := seedshop.Catalogue()
	for name, write := range map[string]func(io.Writer, *seedshop.Shop) error{"products.jsonl": seed.WriteTold, "synonyms.json": seed.WriteSynonyms} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := errors.Join(write(f, shop), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// command runs the command in the tool's own process group, so that it sees a Ctrl-C of the terminal by itself.
func command(opt Options, env []string, signals <-chan os.Signal) error {
	cmd := exec.Command(opt.Command[0], opt.Command[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opt.Stdin, opt.Stdout, opt.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			return exitCode(err)
		}
	}
}

func exitCode(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ExitError{Code: 128 + int(ws.Signal())}
	}
	return ExitError{Code: exit.ExitCode()}
}
