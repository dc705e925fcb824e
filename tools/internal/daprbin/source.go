package daprbin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// sources is what the two modules say: which versions are wanted, and a hash
// over all that a build of them depends on.
type sources struct {
	runtime, cli string // like v1.18.1
	hash         string
}

func readSources(dir string) (sources, error) {
	var s sources
	var err error
	if s.runtime, err = required(filepath.Join(dir, "dapr"), "github.com/dapr/dapr"); err != nil {
		return s, err
	}
	if s.cli, err = required(filepath.Join(dir, "daprcli"), "github.com/dapr/cli"); err != nil {
		return s, err
	}
	s.hash, err = hashTrees(filepath.Join(dir, "dapr"), filepath.Join(dir, "daprcli"))
	return s, err
}

// required is the version of a module that the go.mod in dir requires.
func required(dir, module string) (string, error) {
	path := filepath.Join(dir, "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("daprbin: %w", err)
	}
	mod, err := modfile.ParseLax(path, raw, nil)
	if err != nil {
		return "", fmt.Errorf("daprbin: %w", err)
	}
	for _, r := range mod.Require {
		if r.Mod.Path == module && semver.IsValid(r.Mod.Version) {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("daprbin: %s does not require %s", path, module)
}

// hashTrees covers names and contents of the module files and Go files, the
// platform and the flags of the build.
func hashTrees(dirs ...string) (string, error) {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH, buildFlags)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name := entry.Name()
			if name != "go.mod" && name != "go.sum" && filepath.Ext(name) != ".go" {
				return nil
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(filepath.Dir(dir), path)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(sum, "%s %d\n", filepath.ToSlash(rel), len(raw))
			_, _ = sum.Write(raw)
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("daprbin: hash %s: %w", dir, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// key names the cache directory.
func (s sources) key() string { return bare(s.runtime) + "-" + s.hash }

// acceptsRuntime: from the wanted patch release to the next minor release.
func (s sources) acceptsRuntime(version string) bool {
	return atLeast(version, s.runtime) && semver.MajorMinor(version) == semver.MajorMinor(s.runtime)
}

// acceptsCLI: from the wanted release to the next major one.
func (s sources) acceptsCLI(version string) bool {
	return atLeast(version, s.cli) && semver.Major(version) == semver.Major(s.cli)
}

// atLeast does not take a release candidate for the release.
func atLeast(version, wanted string) bool {
	return semver.IsValid(version) && semver.Prerelease(version) == "" && semver.Compare(version, wanted) >= 0
}

// bare drops the v that Go puts before versions and Dapr does not.
func bare(version string) string { return strings.TrimPrefix(version, "v") }
