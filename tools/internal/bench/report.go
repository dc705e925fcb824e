package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Write writes the page of results, for people.
func Write(path, root string, o Options, results []Result, now time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nMeasured on %s, at commit `%s`, with `make bench` (%d × %s a scenario, medians). Machine: %s; shop, database and load generator together on it. "+
		"Absolute figures are this machine's; CPU and transactions per operation travel better.\n",
		now.UTC().Format(time.DateOnly), commit(root), o.Runs, o.Duration, machine())
	b.WriteString("\n| what | figure | goal |\n|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.What, r.Figure, r.Goal)
	}
	b.WriteString("\n## What an operation costs, by process and database\n\nMilliseconds of CPU, and transactions (commits and rollbacks, the outboxes' and the sidecars' included).\n")
	for _, r := range results {
		if len(r.Notes) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n**%s**\n", r.What)
		for _, note := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", note)
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // a page of documentation
}

func commit(root string) string {
	cmd := exec.Command("git", "-C", root, "rev-parse", "--short", "HEAD")
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// machine says what kind of computer this is.
func machine() string {
	model := runtime.GOARCH
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(data), "MemTotal: %d", &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB", (kib+1<<19)>>20)
		}
	}
	return fmt.Sprintf("%d × %s%s, %s/%s", runtime.NumCPU(), model, memory, runtime.GOOS, runtime.Version())
}

// BuildK6 builds the load generator from tools/k6 into a folder, once, and returns its path.
func BuildK6(root, dir string) (string, error) {
	path := filepath.Join(dir, "k6")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.Command("go", "build", "-o", path+".new", "go.k6.io/k6")
	cmd.Dir = filepath.Join(root, "tools", "k6")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build k6: %w\n%s", err, out)
	}
	return path, os.Rename(path+".new", path)
}
