package bleveindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// The names in the folder of an installation.
const (
	liveFile    = "live"   // holds the name of the folder that is read
	indexPrefix = "index-" // of folders
)

// Indexes is a folder with the index that is read, and the one that is being made. It implements app.Indexes.
type Indexes struct {
	dir     string
	grammar *grammar.Grammar
	live    atomic.Pointer[Index]

	mu   sync.Mutex // of Create, Switch, Close
	next *Index     // that is being made
}

// Open opens a folder, which is made where there is none, and reads the live index. shop is the language in which every product has its
// texts. One process has a folder; another one is refused. An index of another form, or whose folder is gone, is as none.
func Open(dir, shop string) (*Indexes, error) {
	g, err := grammar.New(shop)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	xs := &Indexes{dir: dir, grammar: g}
	name, err := os.ReadFile(filepath.Join(dir, liveFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		x, err := openIndex(filepath.Join(dir, filepath.Base(string(name))), g)
		if err != nil && !errors.Is(err, errForm) && !errors.Is(err, bleve.ErrorIndexPathDoesNotExist) {
			return nil, fmt.Errorf("open index %s: %w", name, err)
		}
		xs.live.Store(x)
	}
	return xs, nil
}

// Stem returns what words of a language are found by; "" for stop words.
func (xs *Indexes) Stem(language string) func(word string) string {
	return xs.grammar.Language(language).Stem
}

// Live implements app.Indexes.
func (xs *Indexes) Live(context.Context) (app.Index, error) {
	if x := xs.live.Load(); x != nil {
		return x, nil
	}
	return nil, app.ErrUnavailable.WithCause(app.ErrNoIndex)
}

// Create implements app.Indexes.
func (xs *Indexes) Create(_ context.Context, epoch string) (app.Index, error) {
	xs.mu.Lock()
	defer xs.mu.Unlock()
	if xs.next != nil {
		if err := xs.next.close(xs.live.Load()); err != nil {
			return nil, fmt.Errorf("close the unfinished index: %w", err)
		}
		xs.next = nil
	}
	if err := xs.sweep(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(xs.dir, indexPrefix)
	if err != nil {
		return nil, err
	}
	xs.next, err = createIndex(dir, xs.grammar, app.State{Epoch: epoch, Form: search.Form})
	return xs.next, err
}

// sweep removes the folders of indexes that are not read: unfinished ones, and those that a crash left.
func (xs *Indexes) sweep() error {
	folders, err := filepath.Glob(filepath.Join(xs.dir, indexPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range folders {
		if live := xs.live.Load(); live == nil || live.dir != dir {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// Switch implements app.Indexes. The index is made one piece first; it is the live one from the moment that the file says so.
func (xs *Indexes) Switch(ctx context.Context, to app.Index) error {
	xs.mu.Lock()
	defer xs.mu.Unlock()
	x, ours := to.(*Index)
	if !ours || x != xs.next {
		return app.ErrReplaced
	}
	if err := x.compact(ctx); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	if err := replaceFile(filepath.Join(xs.dir, liveFile), filepath.Base(x.dir)); err != nil {
		return err
	}
	xs.next = nil
	if old := xs.live.Swap(x); old != nil {
		if err := old.close(x); err != nil {
			return fmt.Errorf("close the index before: %w", err)
		}
	}
	return xs.sweep()
}

// compact merges what the writes of a build have left: fewer pieces are read faster.
func (x *Index) compact(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.current.Load()
	if s == nil {
		return app.ErrUnavailable
	}
	merger, ok := x.store.(interface {
		ForceMerge(context.Context, *mergeplan.MergePlanOptions) error
	})
	if !ok {
		return errors.New("the store cannot merge")
	}
	if err := merger.ForceMerge(ctx, nil); err != nil {
		return err
	}
	return x.publish(s.copy())
}

// replaceFile writes a file whole, or leaves the one before.
func replaceFile(name, content string) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = strings.NewReader(content).WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Close closes the indexes. What was written is kept.
func (xs *Indexes) Close() error {
	xs.mu.Lock()
	defer xs.mu.Unlock()
	var errs []error
	if xs.next != nil {
		errs = append(errs, xs.next.close(nil))
	}
	if x := xs.live.Load(); x != nil {
		errs = append(errs, x.close(nil))
	}
	return errors.Join(errs...)
}
