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

	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/status"
)

// usage is what the shop's processes and databases have used.
type usage struct {
	cpu map[string]float64 // seconds by process
	sql map[string]float64 // transactions by database
}

func (u usage) each(o usage, sign float64) usage {
	out := usage{cpu: maps.Clone(u.cpu), sql: maps.Clone(u.sql)}
	if out.cpu == nil {
		out.cpu, out.sql = map[string]float64{}, map[string]float64{}
	}
	for name, v := range o.cpu {
		out.cpu[name] += sign * v
	}
	for name, v := range o.sql {
		out.sql[name] += sign * v
	}
	return out
}

func (u usage) minus(o usage) usage { return u.each(o, -1) }
func (u usage) plus(o usage) usage  { return u.each(o, 1) }

// per writes the shares of one operation: CPU by process, most first, and transactions by database.
func (u usage) per(operations float64) []string {
	if operations == 0 {
		return nil
	}
	line := func(all map[string]float64, scale float64, form string) (string, float64) {
		names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b)) })
		var parts []string
		total := 0.0
		for _, name := range names {
			v := scale * all[name] / operations
			total += v
			if v >= 0.05 {
				parts = append(parts, fmt.Sprintf(form, name, v))
			}
		}
		return strings.Join(parts, " · "), total
	}
	cpu, ms := line(u.cpu, 1000, "%s %.1f")
	sql, n := line(u.sql, 1, "%s %.1f")
	return []string{fmt.Sprintf("CPU %.1f ms an operation: %s", ms, cpu), fmt.Sprintf("%.1f transactions an operation: %s", n, sql)}
}

// used adds up what there was until now. Postgres counts with all its backends.
func (r *runner) used(ctx context.Context) (usage, error) {
	report, err := status.Get(ctx, r.Layout)
	if err != nil {
		return usage{}, err
	}
	u := usage{cpu: map[string]float64{}, sql: map[string]float64{}}
	for _, p := range report.Processes {
		u.cpu[p.Name] = seconds(p.PID)
		if p.Name != "postgres" {
			continue
		}
		for _, child := range proc.Children(p.PID) {
			u.cpu[p.Name] += seconds(child)
		}
	}
	conn, err := pgx.Connect(ctx, r.State.Server)
	if err != nil {
		return usage{}, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT datname, xact_commit + xact_rollback FROM pg_stat_database WHERE datname LIKE '%\_%'`)
	if err != nil {
		return usage{}, err
	}
	var name string
	var n float64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { u.sql[strings.TrimPrefix(name, "sidecart_")] = n; return nil })
	return u, err
}

// hertz is the unit of the kernel's CPU times, the same on every Linux.
const hertz = 100

// seconds is the CPU time of a process and of its children that have ended, 0 for one that is gone.
func seconds(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(after)
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

func (r *runner) memory(ctx context.Context) error {
	report, err := status.Get(ctx, r.Layout)
	if err != nil {
		return err
	}
	var parts []string
	for _, p := range report.Processes {
		parts = append(parts, fmt.Sprintf("%s %d", p.Name, p.Memory>>20))
	}
	r.note("memory", "resident memory of everything", fmt.Sprintf("%d MiB", report.Memory>>20), "idle < 1.8 GiB", "MiB: "+strings.Join(parts, " · "))
	return nil
}
