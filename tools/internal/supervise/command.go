package supervise

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: sidecart exec [flags] -- COMMAND [ARGUMENT…]

Runs COMMAND and starts it again whenever it dies, with growing pauses.
SIGTERM, SIGINT and SIGHUP stop it and end this command; other signals are
passed on. It ends too when the process that started it is gone.
With --version, --help or --build-info as first argument COMMAND simply runs.

flags:
`

// options are the flags of `sidecart exec`.
type options struct {
	name, stateDir, logFile, logDir string
	grace, restartGrace             time.Duration
	argv                            []string
}

// Command is `sidecart exec`: args are what follows the sub-command's name.
// It returns when the process was stopped; the error may be *ExitError, whose
// code the caller exits with, or flag.ErrHelp when help was asked for and given.
func Command(args []string) error {
	opt, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if isQuestion(opt.argv) {
		return replace(opt.argv)
	}
	cfg := Config{
		Name: opt.name, Argv: opt.argv, StateDir: opt.stateDir,
		Grace: opt.grace, RestartGrace: opt.restartGrace,
		Stdout: os.Stdout, Stderr: os.Stderr, Report: os.Stderr,
	}
	if cfg.Name == "" {
		cfg.Name, cfg.Numbered = nameOf(opt.argv), true
	}
	if opt.logDir != "" {
		opt.logFile = filepath.Join(opt.logDir, cfg.Name+".log")
	}
	if opt.logFile != "" {
		log, err := OpenLog(opt.logFile, 0)
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }()
		cfg.LogFile, cfg.Stdout, cfg.Stderr = opt.logFile, log, log
		cfg.Report = io.MultiWriter(unfailing{os.Stderr}, log)
	}
	sup, err := New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	release := forward(sup)
	defer release()
	go func() {
		if parentGone(ctx, os.Getppid, 250*time.Millisecond) {
			cancel()
		}
	}()
	return sup.Run(ctx)
}

func parse(args []string, out io.Writer) (options, error) {
	var opt options
	set := flag.NewFlagSet("exec", flag.ContinueOnError)
	set.SetOutput(out)
	set.Usage = func() {
		_, _ = io.WriteString(out, usage)
		set.PrintDefaults()
	}
	set.StringVar(&opt.name, "name", "", "`name` in reports and status (default: the command's, for a sidecar APP.daprd)")
	set.StringVar(&opt.stateDir, "pidfile", "", "`directory` to keep the process ids in, as NAME.json")
	set.StringVar(&opt.logFile, "log", "", "append the output to `file`, a new one every 20 MiB, instead of passing it on")
	set.StringVar(&opt.logDir, "log-dir", "", "the same, with `directory`/NAME.log")
	set.DurationVar(&opt.grace, "grace", 10*time.Second, "time to stop in before it is killed")
	set.DurationVar(&opt.restartGrace, "restart-grace", 3*time.Second, "the same when it is restarted on request")
	if err := set.Parse(args); err != nil {
		return opt, err
	}
	opt.argv = set.Args()
	if len(opt.argv) == 0 {
		return opt, errors.New("exec: no command given: sidecart exec [flags] -- COMMAND [ARGUMENT…]")
	}
	if opt.logFile != "" && opt.logDir != "" {
		return opt, errors.New("exec: --log and --log-dir exclude each other")
	}
	return opt, nil
}

// isQuestion tells whether the command only answers and ends: `dapr run`
// asks daprd for its version before it starts it.
func isQuestion(argv []string) bool {
	if len(argv) < 2 {
		return false
	}
	switch argv[1] {
	case "--version", "-version", "--help", "-help", "--build-info", "-build-info":
		return true
	}
	return false
}

// replace turns this process into the command.
func replace(argv []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	if err := syscall.Exec(path, argv, os.Environ()); err != nil {
		return fmt.Errorf("exec %s: %w", path, err)
	}
	return nil
}

// nameOf names a command by its file, and a sidecar by its app.
func nameOf(argv []string) string {
	base := filepath.Base(argv[0])
	for i, arg := range argv {
		flagName, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if flagName != "app-id" || !strings.HasPrefix(arg, "-") {
			continue
		}
		if !joined && i+1 < len(argv) {
			value = argv[i+1]
		}
		if value != "" && filepath.Base(value) == value {
			return value + "." + base
		}
	}
	return base
}

// forward passes this process's signals on until release is called.
func forward(sup *Supervisor) (release func()) {
	signals := make(chan os.Signal, 16)
	// SIGPIPE is caught and dropped: the one who read our output may die first.
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				switch sig {
				case syscall.SIGPIPE:
				case syscall.SIGHUP: // the terminal is gone; daprd would take it for "reload"
					sup.Signal(syscall.SIGTERM)
				default:
					if number, ok := sig.(syscall.Signal); ok {
						sup.Signal(number)
					}
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// parentGone waits until the parent process is another than it was, which
// means that ours died, and tells whether that or ctx's end came first. The
// kernel's parent-death signal would not do: it fires when the parent's
// starting thread ends, and `dapr run` does not hold on to its threads.
func parentGone(ctx context.Context, parent func() int, every time.Duration) bool {
	first := parent()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
			if parent() != first {
				return true
			}
		}
	}
}

// unfailing drops a writer's errors, so that one dead end of a MultiWriter
// does not keep the rest from the others.
type unfailing struct{ out io.Writer }

func (u unfailing) Write(p []byte) (int, error) {
	_, _ = u.out.Write(p)
	return len(p), nil
}
