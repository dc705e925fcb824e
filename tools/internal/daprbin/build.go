package daprbin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	stagingPrefix = ".building-"

	// buildFlags hold for every program: the same bytes whatever the
	// directory, no symbols (they double the size), and of the components
	// those that Dapr calls stable.
	buildFlags = "-trimpath -buildvcs=false -tags=stablecomponents"
	stripFlags = "-s -w"
)

// job is one run of go build.
type job struct {
	title    string   // for people
	dir      string   // the module
	packages []string // relative to dir; the programs are named after them or after programs
	programs []string
	ldflags  string
	check    map[string]string // program → the version that it must tell
}

func (s sources) runtimeBuild(sourceDir string, programs []string) job {
	j := job{
		title:    "Dapr " + bare(s.runtime) + " (" + strings.Join(programs, ", ") + ")",
		dir:      filepath.Join(sourceDir, "dapr"),
		programs: programs,
		ldflags:  stripFlags + " -X github.com/dapr/dapr/pkg/buildinfo.version=" + bare(s.runtime),
		check:    map[string]string{"daprd": s.runtime},
	}
	for _, p := range programs {
		j.packages = append(j.packages, "./cmd/"+p)
	}
	return j
}

func (s sources) cliBuild(sourceDir string) job {
	return job{
		title:    "the Dapr command line " + bare(s.cli),
		dir:      filepath.Join(sourceDir, "daprcli"),
		packages: []string{"./cmd/dapr"},
		programs: cliPrograms,
		ldflags:  stripFlags + " -X main.version=" + bare(s.cli),
		check:    map[string]string{"dapr": s.cli},
	}
}

// builder builds into the cache. The cache's lock is held.
type builder struct {
	opt   Options
	cache string
}

// errNoGo is what a machine without Go is told.
var errNoGo = errors.New("daprbin: Dapr is not installed and cannot be built, for there is no `go` on PATH: " +
	"install Go 1.26 or newer (https://go.dev/dl), or Dapr itself with `dapr init --slim`")

// make builds the job's programs beside their place and moves them there.
func (b builder) make(ctx context.Context, j job) error {
	goTool := b.opt.Go
	if goTool == "" {
		if goTool = lookGo(b.opt.Path); goTool == "" {
			return errNoGo
		}
	}
	staging, err := os.MkdirTemp(b.cache, stagingPrefix)
	if err != nil {
		return fmt.Errorf("daprbin: %w", err)
	}
	defer func() { _ = os.RemoveAll(staging) }()
	run := goRun{tool: goTool, job: j, staging: staging}
	meter := newMeter(b.opt.Progress, j.title)
	defer meter.stop()
	meter.phase("fetching and checking modules", 0)
	stale, err := run.list(ctx, meter)
	if err != nil {
		return err
	}
	meter.phase("compiling", stale)
	if err := run.build(ctx, meter); err != nil {
		return err
	}
	if err := b.install(ctx, j, staging); err != nil {
		return err
	}
	meter.finish()
	return nil
}

// lookGo finds the go command in a list of directories.
func lookGo(path string) string {
	for _, dir := range filepath.SplitList(path) {
		if tool := filepath.Join(dir, "go"); filepath.IsAbs(dir) && isProgram(tool) {
			return tool
		}
	}
	return ""
}

// install asks the fresh programs for their version and renames them.
func (b builder) install(ctx context.Context, j job, staging string) error {
	if absent := missing(staging, j.programs); absent != nil {
		return fmt.Errorf("daprbin: the build of %s made no %v", j.title, absent)
	}
	parsers := map[string]func(string) (string, error){"daprd": daprdVersion, "dapr": cliVersion}
	for _, p := range j.programs {
		want, ok := j.check[p]
		if !ok {
			continue
		}
		got, err := ask(ctx, filepath.Join(staging, p), parsers[p])
		if err != nil {
			return fmt.Errorf("daprbin: the %s just built does not answer: %w", p, err)
		}
		if got != want {
			return fmt.Errorf("daprbin: the %s just built is %s and should be %s", p, got, want)
		}
	}
	for _, p := range j.programs {
		if err := os.Rename(filepath.Join(staging, p), filepath.Join(b.cache, p)); err != nil {
			return fmt.Errorf("daprbin: %w", err)
		}
	}
	return nil
}

// goRun runs the go command for one job.
type goRun struct {
	tool    string
	job     job
	staging string
}

// list loads all packages, which fetches what the module cache lacks, and
// counts those to compile.
func (r goRun) list(ctx context.Context, meter *meter) (int, error) {
	stale := 0
	args := append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, r.flags()...)
	err := r.goCommand(ctx, append(args, r.job.packages...),
		func(line string) { // standard output
			if line != "" {
				stale++
			}
		},
		func(line string) bool { // standard error
			if !strings.HasPrefix(line, "go: downloading ") {
				return false
			}
			meter.step()
			return true
		})
	return stale, err
}

// build compiles and links. `go build -v` names each package when it is begun.
func (r goRun) build(ctx context.Context, meter *meter) error {
	args := append([]string{"build", "-v", "-o", r.staging + string(filepath.Separator)}, r.flags()...)
	return r.goCommand(ctx, append(args, r.job.packages...),
		func(string) {},
		func(line string) bool {
			if !packageLine.MatchString(line) {
				return false
			}
			meter.step()
			return true
		})
}

// A package path alone on its line is progress; everything else is complaint.
var packageLine = regexp.MustCompile(`^[A-Za-z0-9_.~/+-]+$`)

func (r goRun) flags() []string {
	return append(strings.Fields(buildFlags), "-ldflags="+r.job.ldflags)
}

// goCommand runs `go args…` in the job's module and hands on its lines. What
// onError does not take for progress becomes part of the error.
func (r goRun) goCommand(ctx context.Context, args []string, onOut func(string), onError func(string) bool) error {
	cmd := exec.CommandContext(ctx, r.tool, args...)
	cmd.Dir = r.job.dir
	cmd.Env = append(os.Environ(),
		"GO111MODULE=on", "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0", "GOOS=", "GOARCH=", "PWD="+r.job.dir)
	// go and its compilers end together, by us: Ctrl-C does not reach them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	const keep = 30
	var said []string
	out := &lineWriter{line: onOut}
	errs := &lineWriter{line: func(line string) {
		if !onError(line) && len(said) < keep {
			said = append(said, line)
		}
	}}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	out.end()
	errs.end()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("daprbin: build of %s cut off: %w", r.job.title, ctx.Err())
	default:
		return fmt.Errorf("daprbin: build of %s: go %s: %w\n%s", r.job.title, args[0], err, strings.Join(said, "\n"))
	}
}

// lineWriter hands each line on as it ends.
type lineWriter struct {
	line func(string)
	part strings.Builder
}

var _ io.Writer = (*lineWriter)(nil)

func (w *lineWriter) Write(p []byte) (int, error) {
	rest := string(p)
	for {
		line, after, ended := strings.Cut(rest, "\n")
		w.part.WriteString(line)
		if !ended {
			return len(p), nil
		}
		w.end()
		rest = after
	}
}

// end hands on what has no newline yet.
func (w *lineWriter) end() {
	if w.part.Len() > 0 {
		w.line(strings.TrimRight(w.part.String(), "\r"))
		w.part.Reset()
	}
}
