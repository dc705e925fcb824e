package bleveindex_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// writerEnv makes the test's program a writer in this folder.
const writerEnv = "SIDECART_TEST_INDEX_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		fmt.Println(write(dir)) // it ends by being killed
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// products is what an index has at a revision. Each revision changes one, or takes one out.
type products map[string]*search.Document

func (p products) next(r int64) []app.Change {
	id := fmt.Sprintf("p%02d", r*7%40)
	switch was := p[id]; {
	case r%11 == 0:
		delete(p, id)
		return []app.Change{{ID: id}}
	case r%3 == 0 && was != nil:
		d := *was
		d.Revision, d.Popularity = r, r
		p[id] = &d
		return []app.Change{{ID: id, Parts: app.Offer, Document: &d}}
	}
	p[id] = &search.Document{ID: id, Revision: r, Texts: map[string]search.Text{"en": {Title: fmt.Sprintf("lamp word%d", r)}},
		Variants: []search.Variant{{SKU: id, Available: r, Prices: map[search.Market]search.Price{indextest.USD: {Amount: r}}}}}
	return []app.Change{{ID: id, Parts: app.Content | app.Offer, Document: p[id]}}
}

func (p products) all() []app.Change {
	var all []app.Change
	for _, id := range slices.Sorted(maps.Keys(p)) {
		all = append(all, app.Change{ID: id, Parts: app.Content | app.Offer, Document: p[id]})
	}
	return all
}

// at returns what there is at a revision.
func at(revision int64) products {
	p := products{}
	for r := range revision {
		p.next(r + 1)
	}
	return p
}

// write writes revision after revision, says each when it is confirmed, and makes the index anew now and then.
func write(dir string) error {
	ctx := context.Background()
	xs, err := bleveindex.Open(dir, indextest.Shop)
	if err != nil {
		return err
	}
	x, err := xs.Live(ctx)
	if err != nil {
		return err
	}
	state, err := x.State(ctx)
	if err != nil {
		return err
	}
	p := at(state.Revision)
	for r := state.Revision + 1; ; r++ {
		if err := x.Write(ctx, r, p.next(r)); err != nil {
			return err
		}
		fmt.Println(r)
		if r%8 != 0 {
			continue
		}
		if x, err = xs.Create(ctx, indextest.Epoch); err != nil {
			return err
		}
		if err := x.Write(ctx, r, p.all()); err != nil {
			return err
		}
		if err := xs.Switch(ctx, x); err != nil {
			return err
		}
	}
}

// A process that is killed in the middle of writes, and of making the index anew, leaves what it had confirmed: the revision, and the
// documents and words of that revision.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), testkit.Rand(t)
	empty(t, dir)
	var confirmed int64
	for range 12 {
		confirmed = max(confirmed, kill(t, dir, 1+r.IntN(20)))
		check(t, dir, confirmed)
	}
}

// empty makes an empty index the live one.
func empty(t *testing.T, dir string) {
	xs, err := bleveindex.Open(dir, indextest.Shop)
	must(t, err)
	x, err := xs.Create(t.Context(), indextest.Epoch)
	must(t, err)
	must(t, xs.Switch(t.Context(), x))
	must(t, xs.Close())
}

// kill runs a writer until it has confirmed n revisions, kills it, and returns the last revision that it had confirmed.
func kill(t *testing.T, dir string, n int) (last int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), writerEnv+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ {
		if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Errorf("the writer says %q", lines.Text())
		}
		if i == n {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the writer was not killed: %v", err)
	}
	return last
}

// check compares an index with what there is at its revision.
func check(t *testing.T, dir string, confirmed int64) {
	t.Helper()
	xs, err := bleveindex.Open(dir, indextest.Shop)
	must(t, err)
	defer func() { must(t, xs.Close()) }()
	x, err := xs.Live(t.Context())
	must(t, err)
	state, err := x.State(t.Context())
	must(t, err)
	if state.Revision < confirmed || state.Epoch != indextest.Epoch {
		t.Fatalf("the index is at %+v; %d was confirmed", state, confirmed)
	}
	want := at(state.Revision)
	for _, c := range want.all() {
		got, err := x.Documents(t.Context(), []string{c.ID})
		must(t, err)
		if diff := cmp.Diff([]*search.Document{c.Document}, got); diff != "" {
			t.Errorf("at %d (-want +got)\n%s", state.Revision, diff)
		}
		for _, word := range []string{c.Document.Texts["en"].Title[len("lamp "):], "lamp"} {
			found, err := x.Search(t.Context(), search.Plan{Market: indextest.USD, Language: "en", Limit: 1, Only: []string{c.ID},
				Groups: []search.Group{{Weight: 1, Any: []search.Alternative{{Words: []string{word}, Weight: 1}}}}})
			must(t, err)
			if found.Total != 1 {
				t.Errorf("at %d: %s is not found by %s", state.Revision, c.ID, word)
			}
		}
	}
	if n, err := x.Count(t.Context()); err != nil || n != len(want) {
		t.Errorf("at %d: %d documents, %v; not %d", state.Revision, n, err, len(want))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
