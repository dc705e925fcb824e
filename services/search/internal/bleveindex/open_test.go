package bleveindex

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// An index that other code wrote is not read, and a new one takes its place, also when that was begun and not finished.
func TestOtherForm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := grammar.New("en")
	must(t, err)
	x, err := createIndex(filepath.Join(dir, indexPrefix+"old"), g, app.State{Epoch: "e", Form: search.Form + " of before"})
	must(t, err)
	must(t, x.close(nil))
	must(t, replaceFile(filepath.Join(dir, liveFile), indexPrefix+"old"))
	for range 2 {
		xs := unavailable(t, dir)
		_, err := xs.Create(t.Context(), "e")
		must(t, err)
		must(t, xs.Close())
	}
	xs := unavailable(t, dir)
	next, err := xs.Create(t.Context(), "e")
	must(t, err)
	must(t, xs.Switch(t.Context(), next))
	if _, err := xs.Live(t.Context()); err != nil {
		t.Error(err)
	}
	must(t, xs.Close())
	if folders, _ := filepath.Glob(filepath.Join(dir, indexPrefix+"*")); len(folders) != 1 {
		t.Errorf("folders that nobody reads are left: %q", folders)
	}
}

// A folder belongs to one process, and says so before it is read.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	xs := unavailable(t, dir)
	x, err := xs.Create(t.Context(), "e")
	must(t, err)
	must(t, xs.Switch(t.Context(), x))
	if _, err := Open(dir, "en"); err == nil {
		t.Error("a folder is opened twice")
	}
	must(t, xs.Close())
	if _, err := x.Search(t.Context(), search.Plan{}); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("a search in a closed index: %v", err)
	}
	if err := x.Write(t.Context(), 1, nil); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("a write to a closed index: %v", err)
	}
	must(t, os.RemoveAll(dir))
}

func unavailable(t *testing.T, dir string) *Indexes {
	t.Helper()
	xs, err := Open(dir, "en")
	must(t, err)
	if _, err := xs.Live(t.Context()); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("the live index: %v", err)
	}
	return xs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
