package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// summary is what k6 says of a run: figures by metric.
type summary map[string]map[string]float64

// seconds is the time between the first request and the last answer, by k6's clock.
func (s summary) seconds() float64 { return (s["clock"]["max"] - s["clock"]["min"]) / 1000 }

// k6 runs a scenario once. It returns what k6 says, and the CPU that k6 spent itself, in seconds.
func (r *runner) k6(ctx context.Context, scenario string, d time.Duration, env ...string) (summary, float64, error) {
	goods, err := r.onOffer(ctx)
	if err != nil {
		return nil, 0, err
	}
	out, err := os.CreateTemp("", "sidecart-bench-*.json")
	if err != nil {
		return nil, 0, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	// No server for remote control; no report to anybody; a heap that may grow before it is swept, for it is small.
	cmd := exec.CommandContext(ctx, r.K6, "run", "--quiet", "--no-usage-report", "--address", "", filepath.Join(scripts(r.Layout.Root), scenario+".js"))
	cmd.Env = append(append(os.Environ(), "GOGC=400", "K6_NO_USAGE_REPORT=true", "BASE="+r.state.Gateway, "SHOP="+r.state.Shop, "DURATION="+d.String(),
		"GOODS="+goods, fmt.Sprintf("STAMP=%d", time.Now().UnixNano()), "SUMMARY="+out.Name()), env...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return nil, 0, fmt.Errorf("k6 %s: %w\n%.2000s", scenario, err, said)
	}
	if len(said) > 0 {
		fmt.Fprintf(r.Out, "%.4000s\n", said) // VERBOSE, or a complaint
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		return nil, 0, err
	}
	var s summary
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, 0, fmt.Errorf("figures of k6 %s: %w", scenario, err)
	}
	if s.seconds() <= 0 {
		return nil, 0, fmt.Errorf("k6 %s did nothing: %.2000s", scenario, said)
	}
	return s, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}

// inspect lets k6 read every script, so that a broken one is known before anything is measured.
func (r *runner) inspect(ctx context.Context) error {
	all, err := filepath.Glob(filepath.Join(scripts(r.Layout.Root), "*.js"))
	if err != nil {
		return err
	}
	nothing, err := keep(offer{SKUs: []string{}, Products: []string{}, Categories: []string{}, Words: []string{}})
	defer os.Remove(nothing)
	if err != nil {
		return err
	}
	for _, script := range all {
		cmd := exec.CommandContext(ctx, r.K6, "inspect", "--include-system-env-vars", script)
		cmd.Env = append(os.Environ(), "GOODS="+nothing)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("k6 inspect %s: %w\n%.2000s", script, err, out)
		}
	}
	return nil
}

func scripts(root string) string { return filepath.Join(root, "tools", "bench") }

// onOffer asks the shop once what can be bought in USD, and keeps it in a file for k6, which then need not ask at every start.
func (r *runner) onOffer(ctx context.Context) (string, error) {
	if r.goods != "" {
		return r.goods, nil
	}
	goods, err := onOffer(ctx, shopclient.New(r.state.Gateway))
	if err != nil {
		return "", fmt.Errorf("look at the catalogue: %w", err)
	}
	if more := words(); r.grown {
		for range len(goods.Words) / len(more) {
			goods.Words = append(goods.Words, more...)
		}
	}
	r.goods, err = keep(goods)
	return r.goods, err
}

// offer is what scenarios pick from.
type offer struct {
	SKUs       []string `json:"skus"`
	Products   []string `json:"products"`   // slugs
	Categories []string `json:"categories"` // slugs of those without children
	Words      []string `json:"words"`      // of titles; half of them of imported goods, if there are any
}

// fewest is how many SKUs there must be: the largest cart, and some to add to it.
const fewest = 540

// keep writes what is on offer into a file for k6.
func keep(o offer) (string, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "sidecart-bench-*.json")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}

func onOffer(ctx context.Context, guest *shopclient.Client) (offer, error) {
	var o offer
	for next := ""; ; {
		var page struct {
			Items []struct {
				Slug, Title string
				SKUs        []string
			}
			NextCursor string `json:"next_cursor"`
		}
		if err := guest.Get(ctx, "/v1/products?limit=100&in_stock=true&currency=USD&country=US"+next, &page); err != nil {
			return o, err
		}
		for _, p := range page.Items {
			o.Products, o.SKUs = append(o.Products, p.Slug), append(o.SKUs, p.SKUs...)
			o.Words = append(o.Words, strings.FieldsFunc(strings.ToLower(p.Title), func(c rune) bool { return c < 'a' || c > 'z' })...)
		}
		if page.NextCursor == "" || len(o.SKUs) >= 3*fewest {
			break
		}
		next = "&cursor=" + page.NextCursor
	}
	slices.Sort(o.Words)
	o.Words = slices.DeleteFunc(slices.Compact(o.Words), func(w string) bool { return len(w) < 3 })
	if len(o.SKUs) < fewest {
		return o, fmt.Errorf("only %d SKUs can be bought, want %d: is the shop seeded?", len(o.SKUs), fewest)
	}
	type category struct {
		Slug     string
		Children []category
	}
	var tree struct{ Items []category }
	if err := guest.Get(ctx, "/v1/categories", &tree); err != nil {
		return o, err
	}
	var walk func([]category)
	walk = func(all []category) {
		for _, c := range all {
			if walk(c.Children); len(c.Children) == 0 {
				o.Categories = append(o.Categories, c.Slug)
			}
		}
	}
	walk(tree.Items)
	return o, nil
}

// BuildK6 builds the load generator from tools/k6 into a folder, once, and returns its path.
func BuildK6(ctx context.Context, root, dir string) (string, error) {
	path := filepath.Join(dir, "k6")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // binaries, not secrets
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path+".new", "go.k6.io/k6")
	cmd.Dir = filepath.Join(root, "tools", "k6")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build k6: %w\n%s", err, out)
	}
	return path, os.Rename(path+".new", path)
}
