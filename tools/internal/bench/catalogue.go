package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// The sizes of catalogue at which shoppers browse.
const (
	usual = 1_500
	large = 50_000
)

// browse measures searches in a catalogue of the usual size.
func (r *runner) browse(ctx context.Context) error {
	if err := r.grow(ctx, usual); err != nil {
		return err
	}
	rate := 800.0
	if r.state.Profile == shop.Standard {
		rate = 300
	}
	return r.steady(ctx, "browse", "search for a word among 1,500 products, 24 with facets", "pages", scenario{}, nil, func(u runs) []Goal {
		r.browsed = u.usage.cpu.sum() / u.operations
		return []Goal{atLeast(u.rate, rate, " pages/s"), below("p99", u.p99, 100, " ms")}
	})
}

// browseLarge measures the same in a large one, and what it costs against the usual.
func (r *runner) browseLarge(ctx context.Context) error {
	if err := r.grow(ctx, large); err != nil {
		return err
	}
	u, err := r.measure(ctx, scenario{run: r.byK6("browse", nil, "SHOPPERS=32")}, false)
	if err != nil {
		return err
	}
	res := Result{What: "search for a word among 50,000 products, 24 with facets, 32 shoppers", Figure: u.figure("pages"), Goals: []Goal{below("p99", u.p99, 200, " ms")}, Notes: u.notes}
	if r.browsed > 0 {
		ratio := u.usage.cpu.sum() / u.operations / r.browsed
		res.Figure += fmt.Sprintf(", %.1f × the CPU", ratio)
		res.Goals = append(res.Goals, atMost(ratio, 2.5, " × the CPU"))
	}
	r.note(res)
	return nil
}

// grow imports goods until the catalogue has n products, and waits until all of them are found.
func (r *runner) grow(ctx context.Context, n int) error {
	have, err := r.published(ctx)
	if err != nil || have >= n {
		return err
	}
	fmt.Fprintf(r.Out, "  importing %s products …\n", grouped(float64(n-have)))
	if _, err := r.bring(ctx, "GROW", n-have); err != nil {
		return err
	}
	r.grown = true
	if err := r.forget(); err != nil { // there is more to search for
		return err
	}
	const limit = 20 * time.Minute
	for begun := time.Now(); ; {
		var index searchapi.Index
		if err := r.staff.Get(ctx, "/v1/admin/search/index", &index); err != nil {
			return err
		}
		if index.Documents >= n && index.Status == searchapi.IndexCurrent {
			return nil
		}
		if time.Since(begun) > limit {
			return fmt.Errorf("%d of %d products are found after %s", index.Documents, n, limit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (r *runner) published(ctx context.Context) (int, error) {
	n, err := r.count(ctx, "catalog", `SELECT count(*)::float8 FROM products WHERE status = 'published'`)
	return int(n), err
}

// bring imports n SKUs, and returns what the importer spent.
func (r *runner) bring(ctx context.Context, prefix string, n int) (outcome, error) {
	dir, err := os.MkdirTemp("", "sidecart-bench-")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	stamp := fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano())
	file := filepath.Join(dir, "goods.ndjson")
	if err := writeGoods(file, stamp, n); err != nil {
		return outcome{}, err
	}
	cmd := exec.CommandContext(ctx, r.Tool, "import", "products", file, "--dir", r.Layout.Root, "--data", r.Layout.Data,
		"--mapping", filepath.Join(scripts(r.Layout.Root), "import.yaml"), "--import-id", "bench-"+stamp)
	begun := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		return outcome{}, fmt.Errorf("%w\n%.2000s", err, said)
	}
	took := time.Since(begun).Seconds()
	made, err := r.count(ctx, "catalog", `SELECT count(*)::float8 FROM variants WHERE sku LIKE $1`, stamp+"-%")
	return outcome{operations: made, seconds: took, generator: "importer", cpu: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}, err
}

// imports brings ten thousand SKUs into the catalogue, once: the next ten thousand would meet another catalogue.
func (r *runner) imports(ctx context.Context) error {
	const n = 10_000
	o, u, peak, err := r.once(ctx, scenario{run: func(ctx context.Context, _ time.Duration) (outcome, error) { return r.bring(ctx, "IMP", n) }}, 0)
	if err != nil {
		return err
	}
	rate := o.operations / o.seconds
	r.note(Result{What: fmt.Sprintf("import of %s SKUs", grouped(n)), Figure: fmt.Sprintf("%s SKUs/s (%.1f s, %s in the catalogue)", grouped(rate), o.seconds, grouped(o.operations)),
		Goals: []Goal{atLeast(rate, 2000, " SKUs/s")}, Notes: append(append(u.per(o.operations), fmt.Sprintf("peak memory %d MiB", peak>>20)), o.notes...)})
	return nil
}

// The words that imported goods are made of. The lengths of the lists have no common divisor, so that all combinations come.
var (
	kinds     = strings.Fields("folding wireless heavy compact quilted brushed insulated portable ceramic woven magnetic solar retro slim padded stackable hanging rustic outdoor mini glossy matte tall round")
	things    = strings.Fields("lamp chair kettle blanket backpack bottle basket mirror shelf speaker charger notebook hammer planter pillow jacket scarf tripod drill bench stool tray vase whistle ladder")
	makers    = strings.Fields("Bramwick Corvane Deltrop Estenor Fallowby Gannick Hexley")
	colours   = strings.Fields("white black grey navy blue teal olive red mustard rust oak")
	materials = strings.Fields("cotton linen wool leather oak walnut bamboo steel aluminium glass stoneware plastic silicone")
	sentences = []string{
		"Made to be repaired, with parts that can be had one by one.", "Packed without plastic, in a box that takes little room.", "Tested for daily use by many hands.",
		"Goes well with what stands there already.", "Easy to clean with a damp cloth.",
	}
)

// words are all that titles of imported goods have.
func words() (all []string) {
	for _, list := range [][]string{kinds, things, colours, materials} {
		all = append(all, list...)
	}
	return all
}

// writeGoods writes rows of goods that differ in words, brand, department, colour, material and price.
func writeGoods(path, stamp string, n int) error {
	type row struct {
		Name        string `json:"name"`
		SKU         string `json:"sku"`
		Description string `json:"description"`
		Brand       string `json:"brand"`
		Category    string `json:"category"`
		Colour      string `json:"colour"`
		Material    string `json:"material"`
		Price       string `json:"price"`
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	for i := range n {
		kind, thing := kinds[i%len(kinds)], things[i%len(things)]
		colour, material := colours[i%len(colours)], materials[i%len(materials)]
		err := lines.Encode(row{
			Name: fmt.Sprintf("%s %s in %s %s", strings.ToUpper(kind[:1])+kind[1:], thing, material, colour), SKU: fmt.Sprintf("%s-%d", stamp, i),
			Description: fmt.Sprintf("A %s %s of %s. %s %s", kind, thing, material, sentences[i%len(sentences)], sentences[(i/len(sentences))%len(sentences)]),
			Brand:       makers[i%len(makers)], Category: "Bench>" + strings.ToUpper(thing[:1]) + thing[1:] + "s", Colour: colour, Material: material,
			Price: fmt.Sprintf("%d.99", 1+i%300),
		})
		if err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}
