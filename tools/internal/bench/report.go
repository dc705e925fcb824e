package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Page is what people read of a session.
type Page struct {
	Date    time.Time
	Commit  string
	Command string
	Machine string
	Runs    int
	Each    time.Duration
	Results []Result
}

// Describe makes the page of a session that ran with a command.
func Describe(o Options, command string, results []Result, now time.Time) Page {
	return Page{Date: now, Commit: commit(o.Layout.Root), Command: command, Machine: machine(), Runs: o.Runs, Each: o.Duration, Results: results}
}

// relevance begins what of the page is not this command's: the figures of services/search/internal/relevance.
const relevance = "\n## Relevance\n"

// Write puts the page into a file. What others have written at its end stays.
func (p Page) Write(path string) error {
	before, err := os.ReadFile(path) //nolint:gosec // a page of documentation
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	page := []byte(p.String())
	if at := bytes.Index(before, []byte(relevance)); at >= 0 {
		page = append(page, before[at:]...)
	}
	return os.WriteFile(path, page, 0o644) //nolint:gosec // a page of documentation
}

// String writes the page as Markdown.
func (p Page) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `%s` on %s, at commit `%s`: %d × %s a scenario, medians. Machine: %s; shop, database and load generator together on it. "+
		"Absolute figures are this machine's; CPU and statements per operation travel better. [performance.md](performance.md) says where the time goes.\n",
		p.Command, p.Date.UTC().Format(time.DateOnly), p.Commit, p.Runs, p.Each, p.Machine)
	b.WriteString("\n| what | figure | goal |\n|---|---|---|\n")
	for _, r := range p.Results {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.What, r.Figure, r.goals())
	}
	fmt.Fprintf(&b, "\n%s\n\n## What an operation costs\n", missed(p.Results))
	for _, r := range p.Results {
		if len(r.Notes) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n**%s**\n", r.What)
		for _, note := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", note)
		}
	}
	b.WriteString(method)
	return b.String()
}

func (r Result) goals() string {
	var all []string
	for _, g := range r.Goals {
		if g.Met {
			all = append(all, g.Text)
		} else {
			all = append(all, "**"+g.Text+"**")
		}
	}
	return strings.Join(all, ", ")
}

// missed names the goals that were not reached.
func missed(results []Result) string {
	var all []string
	goals := 0
	for _, r := range results {
		goals += len(r.Goals)
		for _, g := range r.Goals {
			if !g.Met {
				all = append(all, fmt.Sprintf("%s: %s (goal %s)", r.What, r.Figure, g.Text))
			}
		}
	}
	if len(all) == 0 {
		return fmt.Sprintf("All of %d goals are met.", goals)
	}
	return fmt.Sprintf("Missed, %d of %d goals (bold above):\n- %s", len(all), goals, strings.Join(all, "\n- "))
}

// method tells how the figures come about.
const method = `
## How it is measured

- The bench runs a shop of its own, seeded, in a folder of its own, and deletes it afterwards. Before each run it waits until the shop is at rest.
- A rate is what was done between the first request and the last answer, by the generator's clock, those answers included that came after the time was over.
  An order counts when order's database says that its whole amount is captured, a piece of the flash sale when it says that the order is placed, an imported SKU
  when it is in catalog's. Times are of single requests as the client sees them; p50, p95 and p99 over all requests of a run.
- CPU is user and system time of each process by the kernel, the load generator's own (k6; "generator": the bench itself) with its start included; "supervisors" are
  the tool and each ` + "`sidecart exec`" + `, through which the logs run. What the shop does by itself meanwhile (outboxes, health checks) is in it.
- SQL statements are what clients sent, BEGIN and COMMIT included, by pg_stat_statements, which is switched on for one more run of at most 8 s and off while
  times are taken. Transactions are the server's own count of commits and rollbacks in the timed runs. Both include sidecars, outboxes and sweeps.
- Memory counts shared pages once. Peak memory is the sum of each process's own peak during the runs, which need not be at one moment; Postgres as it stood at their end.
- Holds are taken as checkout takes them, by invocation through checkout's and inventory's sidecars, each for an owner of its own.
- What a request costs is counted between two moments at which everybody waits. "address" holds the list of shipping
  options too, "afterwards" the events of the orders.
- An event's way begins with its row in the outbox and ends with the commit of the last consumer's copy (` + "`track_commit_timestamp`" + `). A new price is on its way until a search
  through the gateway says it, which is asked every 50 ms.
- For searches the seeded catalogue is filled up with imported goods: 24 kinds of 25 things by 7 brands in 11 colours and 13 materials. Half of the searches are for a
  word of theirs, which 4 to 9 % of them have, the others for one of the seeded titles.
`

// grouped writes a number with commas between its thousands, rounded to an integer.
func grouped(v float64) string {
	s := strconv.FormatInt(int64(math.Round(v)), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func commit(root string) string {
	out, err := exec.Command("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*").Output()
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

// PagePath is where the page lies.
func PagePath(root string) string { return filepath.Join(root, "docs", "benchmarks.md") }
