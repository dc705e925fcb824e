// Package daprdir gives one folder that holds daprd, placement, scheduler and the dapr CLI, whatever folders they come
// from: what starts a shop and what starts tests take one path.
package daprdir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sidecart/sidecart/tools/internal/daprbin"
	"github.com/sidecart/sidecart/tools/internal/testenv"
)

// Find takes the folder that the environment names for tests, else finds or builds the programs. root is the repository;
// a long build tells progress.
func Find(ctx context.Context, root string, progress io.Writer) (string, error) {
	if dir := os.Getenv(testenv.DaprDir); dir != "" {
		return dir, nil
	}
	b, err := daprbin.Ensure(ctx, daprbin.Options{SourceDir: filepath.Join(root, "tools"), Progress: progress})
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(b.Daprd)
	if filepath.Dir(b.CLI) == dir {
		return dir, nil
	}
	return link(b)
}

// link brings programs from several folders together.
func link(b daprbin.Binaries) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "sidecart", "dapr-links", b.Version+"-"+b.CLIVersion)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for name, target := range map[string]string{"daprd": b.Daprd, "placement": b.Placement, "scheduler": b.Scheduler, "dapr": b.CLI} {
		if err := replaceLink(target, filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("gather dapr programs: %w", err)
		}
	}
	return dir, nil
}

// replaceLink is safe beside another process that does the same.
func replaceLink(target, link string) error {
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	tmp := fmt.Sprintf("%s.%d", link, os.Getpid())
	if err := os.Symlink(target, tmp); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Rename(tmp, link)
}

// Present names a folder that holds daprd already, or "" where the next start would build it. It asks no program for its
// version: that is for Find.
func Present() string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	if named := os.Getenv(testenv.DaprDir); named != "" {
		dirs = append([]string{named}, dirs...)
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".dapr", "bin"))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		built, _ := filepath.Glob(filepath.Join(cache, "sidecart", "dapr", "*"))
		dirs = append(dirs, built...)
	}
	for _, dir := range dirs {
		if st, err := os.Stat(filepath.Join(dir, "daprd")); err == nil && st.Mode()&0o111 != 0 {
			return dir
		}
	}
	return ""
}
