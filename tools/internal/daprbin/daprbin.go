// Package daprbin finds Dapr on this machine or builds it.
//
// A shop needs daprd, placement, scheduler and the dapr command line, and
// nothing that needs Docker or a download site: what is not installed is built
// from the Go module proxy, once, by the modules tools/dapr and tools/daprcli.
// Their go.mod files decide which versions are wanted; an installed runtime is
// taken from that patch release up to the next minor release, an installed
// command line from that release up to the next major one.
//
// Search order for the runtime: each directory on PATH that holds daprd, then
// ~/.dapr/bin, then the cache. placement and scheduler must stand beside
// daprd, as Dapr's installer puts them: they cannot be asked for their
// version, and their names are too common to start whatever PATH has under
// them. A daprd without the components that our shop needs is passed over.
//
// The cache is one directory per version and content of the two modules. Each
// program is built under another name and renamed when it is whole and answers,
// so one that is there is good; a file lock keeps two builders apart. What may
// go wrong: no Go, no network, a full disk; the error says which build failed
// and what the go command said.
package daprbin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Options say where to look and to build. SourceDir is required.
type Options struct {
	SourceDir string       // the repository's tools directory, with dapr/ and daprcli/
	CacheDir  string       // default: sidecart/ in the user's cache directory
	Progress  io.Writer    // what a person sees while a build runs; nil: nothing
	Log       *slog.Logger // what was found and why other things were passed over; nil: nothing

	Path    string // directories to search first; default: PATH
	HomeDir string // holds .dapr/bin; default: the user's home
	Go      string // the go command; default: found in Path
}

// Binaries are absolute paths of programs that fit together.
type Binaries struct {
	Daprd, Placement, Scheduler string
	CLI                         string // the dapr command line
	Version                     string // daprd's, like 1.18.1
	CLIVersion                  string
	Built                       bool // something was built by this call
}

// Ensure returns Dapr's programs, building what is not there. A build takes
// minutes and ends with ctx; the next call goes on where it was cut off.
func Ensure(ctx context.Context, opt Options) (Binaries, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Binaries{}, err
	}
	wanted, err := readSources(opt.SourceDir)
	if err != nil {
		return Binaries{}, err
	}
	search := finder{opt: opt, wanted: wanted}
	found := search.all(ctx)
	if found.complete() {
		return found, nil
	}
	cache := filepath.Join(opt.CacheDir, "dapr", wanted.key())
	if fromCache := found.filledFrom(cache, wanted); fromCache.complete() {
		return fromCache, nil
	}
	if err := build(ctx, opt, wanted, found, cache); err != nil {
		return Binaries{}, err
	}
	found = found.filledFrom(cache, wanted)
	if !found.complete() {
		return Binaries{}, fmt.Errorf("daprbin: %s was built and is not complete", cache)
	}
	found.Built = true
	return found, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.SourceDir == "" {
		return o, errors.New("daprbin: no source directory given")
	}
	if o.CacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("daprbin: cache directory: %w", err)
		}
		o.CacheDir = filepath.Join(user, "sidecart")
	}
	if o.HomeDir == "" {
		// Without a home there is no ~/.dapr; PATH and the cache remain.
		o.HomeDir, _ = os.UserHomeDir()
	}
	if o.Path == "" {
		o.Path = os.Getenv("PATH")
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// hasRuntime tells whether daprd, placement and scheduler are there.
func (b Binaries) hasRuntime() bool { return b.Daprd != "" }

func (b Binaries) complete() bool { return b.hasRuntime() && b.CLI != "" }

// filledFrom takes from the cache what is missing, as far as it is there.
func (b Binaries) filledFrom(cache string, wanted sources) Binaries {
	if !b.hasRuntime() && missing(cache, runtimePrograms) == nil {
		b = b.withRuntime(cache, wanted.runtime)
	}
	if b.CLI == "" && missing(cache, cliPrograms) == nil {
		b.CLI, b.CLIVersion = filepath.Join(cache, "dapr"), bare(wanted.cli)
	}
	return b
}

func (b Binaries) withRuntime(dir, version string) Binaries {
	b.Daprd = filepath.Join(dir, "daprd")
	b.Placement = filepath.Join(dir, "placement")
	b.Scheduler = filepath.Join(dir, "scheduler")
	b.Version = bare(version)
	return b
}

// build makes what found lacks, alone: who comes second waits, and then finds
// everything in the cache.
func build(ctx context.Context, opt Options, wanted sources, found Binaries, cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("daprbin: %w", err)
	}
	lock := flock.New(filepath.Join(cache, ".lock"))
	defer func() { _ = lock.Close() }()
	if free, err := lock.TryLock(); err != nil {
		return fmt.Errorf("daprbin: lock the cache: %w", err)
	} else if !free {
		_, _ = fmt.Fprintln(opt.Progress, "waiting for another process that builds Dapr")
		if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("daprbin: wait for another build: %w", err)
		}
	}
	removeLeftovers(cache)
	b := builder{opt: opt, cache: cache}
	if absent := missing(cache, runtimePrograms); !found.hasRuntime() && absent != nil {
		if err := b.make(ctx, wanted.runtimeBuild(opt.SourceDir, absent)); err != nil {
			return err
		}
	}
	if absent := missing(cache, cliPrograms); found.CLI == "" && absent != nil {
		return b.make(ctx, wanted.cliBuild(opt.SourceDir))
	}
	return nil
}

var (
	runtimePrograms = []string{"daprd", "placement", "scheduler"}
	cliPrograms     = []string{"dapr"}
)

// missing are the programs that dir does not have.
func missing(dir string, programs []string) []string {
	var out []string
	for _, p := range programs {
		if !isProgram(filepath.Join(dir, p)) {
			out = append(out, p)
		}
	}
	return out
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// removeLeftovers clears what builds that were cut off have left. The lock is
// held, so nobody else builds here.
func removeLeftovers(cache string) {
	left, _ := filepath.Glob(filepath.Join(cache, stagingPrefix+"*"))
	for _, dir := range left {
		_ = os.RemoveAll(dir)
	}
}
