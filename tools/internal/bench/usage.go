package bench

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/status"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// shares are amounts by name: CPU seconds by process, statements by database.
type shares map[string]float64

// plus adds another's, times a factor.
func (s shares) plus(o shares, factor float64) shares {
	out := maps.Clone(s)
	if out == nil {
		out = shares{}
	}
	for name, v := range o {
		out[name] += factor * v
	}
	return out
}

func (s shares) sum() (total float64) {
	for _, v := range s {
		total += v
	}
	return total
}

// String lists them, most first, without those that round to nothing.
func (s shares) String() string {
	decimals, least := s.decimals(), 0.05
	if decimals == 2 {
		least = 0.005
	}
	names := slices.SortedFunc(maps.Keys(s), func(a, b string) int { return cmp.Or(cmp.Compare(s[b], s[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		if s[name] >= least {
			parts = append(parts, fmt.Sprintf("%s %.*f", name, decimals, s[name]))
		}
	}
	return strings.Join(parts, " · ")
}

// decimals is how many of them are shown: small sums have small parts.
func (s shares) decimals() int {
	if s.sum() < 10 {
		return 2
	}
	return 1
}

// total writes the sum.
func (s shares) total() string { return fmt.Sprintf("%.*f", s.decimals(), s.sum()) }

// usage is what the shop's processes and databases have used.
type usage struct {
	cpu          shares // seconds by process
	transactions shares // by database
}

func (u usage) plus(o usage, factor float64) usage {
	return usage{cpu: u.cpu.plus(o.cpu, factor), transactions: u.transactions.plus(o.transactions, factor)}
}

// per writes the shares of one operation.
func (u usage) per(operations float64) []string {
	if operations == 0 {
		return nil
	}
	ms, sql := shares(nil).plus(u.cpu, 1000/operations), shares(nil).plus(u.transactions, 1/operations)
	return []string{fmt.Sprintf("CPU %s ms an operation: %s", ms.total(), ms), fmt.Sprintf("%s transactions an operation: %s", sql.total(), sql)}
}

// processes lists the pids of the shop by name: Postgres with all its backends, and as "supervisors" the tool and every `sidecart exec`,
// through which the logs run.
func (r *runner) processes() (map[string][]int, error) {
	states, err := supervise.List(r.Layout.Processes())
	if err != nil {
		return nil, err
	}
	server, err := pgserver.Find(r.Layout.Postgres())
	if err != nil {
		return nil, err
	}
	all := map[string][]int{"postgres": append(proc.Children(server.PID), server.PID), "supervisors": {r.state.Tool.PID}}
	for _, s := range states {
		all[s.Name] = []int{s.ChildPID}
		if !slices.Contains(all["supervisors"], s.WrapperPID) {
			all["supervisors"] = append(all["supervisors"], s.WrapperPID)
		}
	}
	return all, nil
}

// used adds up what there was until now.
func (r *runner) used(ctx context.Context) (usage, error) {
	all, err := r.processes()
	if err != nil {
		return usage{}, err
	}
	u := usage{cpu: shares{}, transactions: shares{}}
	for name, pids := range all {
		for _, pid := range pids {
			u.cpu[name] += seconds(pid)
		}
	}
	u.transactions, err = byDatabase(ctx, r.state.Server, transactions)
	return u, err
}

const transactions = `SELECT datname, (xact_commit + xact_rollback)::float8 FROM pg_stat_database WHERE datname LIKE '%\_%'`

// byDatabase reads figures of the server by database, whose names lose what all of them begin with.
func byDatabase(ctx context.Context, server, query string) (shares, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	all := shares{}
	var name string
	var n float64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { all[strings.TrimPrefix(name, "sidecart_")] = n; return nil })
	return all, err
}

// hertz is the unit of the kernel's CPU times, the same on every Linux.
const hertz = 100

// seconds is the CPU time of a process and of its children that have ended, 0 for one that is gone.
func seconds(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseSeconds(string(data))
}

// parseSeconds reads /proc/PID/stat; the command name in it may hold spaces and parentheses.
func parseSeconds(stat string) float64 {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return 0
	}
	total := 0
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0
		}
		total += n
	}
	return float64(total) / hertz
}

// forgetPeaks makes the kernel note the peak memory of the shop's processes anew.
func (r *runner) forgetPeaks() error {
	all, err := r.processes()
	for _, pids := range all {
		for _, pid := range pids {
			_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) // it has ended, or is not ours: then its peak is older
		}
	}
	return err
}

// peak adds up the most that each process has had in memory since forgetPeaks, in bytes: what it has now, shared pages in proportion, and
// how much more was resident at its peak. Postgres' backends share nearly all they have, so that they count as they stand.
func (r *runner) peak() (total int64, err error) {
	all, err := r.processes()
	for name, pids := range all {
		for _, pid := range pids {
			total += proc.Memory(pid)
			if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil && name != "postgres" {
				total += pastPeak(string(data))
			}
		}
	}
	return total, err
}

// pastPeak reads in /proc/PID/status how much more than now was resident at the peak, in bytes.
func pastPeak(text string) int64 {
	kib := map[string]int64{}
	for line := range strings.Lines(text) {
		if key, rest, found := strings.Cut(line, ":"); found && (key == "VmHWM" || key == "VmRSS") {
			kib[key], _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return (kib["VmHWM"] - kib["VmRSS"]) << 10
}

// memory measures the shop at rest.
func (r *runner) memory(ctx context.Context) error {
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	report, err := status.Get(ctx, r.Layout)
	if err != nil {
		return err
	}
	var parts []string
	for _, p := range report.Processes {
		parts = append(parts, fmt.Sprintf("%s %d", p.Name, p.Memory>>20))
	}
	mib := float64(report.Memory) / (1 << 20)
	r.note(Result{What: "memory of everything, idle", Figure: fmt.Sprintf("%.0f MiB", mib), Goals: []Goal{below("", mib/1024, 1.8, " GiB")},
		Notes: append([]string{"MiB: " + strings.Join(parts, " · ")}, notes...)})
	return nil
}
