package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	var records []ledger.Record
	for _, id := range ids {
		records = append(records, ledger.Record{Transaction: &ledger.Transaction{ID: id, Kind: ledger.Sale, Status: ledger.Authorized, OrderID: "o-" + id}})
	}
	if err := s.Update(func(*ledger.Book) ([]ledger.Record, error) { return records, nil }); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	if err := s.View(func(b *ledger.Book) {
		for _, tr := range b.All() {
			out = append(out, tr.ID)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReplayKeepsOrderAndContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a", "b")
	put(t, s, "c")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got := fmt.Sprint(ids(t, s)); got != "[a b c]" {
		t.Fatalf("after replay: %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(*ledger.Book) ([]ledger.Record, error) { return nil, nil }); !errors.Is(err, ErrClosed) {
		t.Fatalf("a closed store answered %v", err)
	}
}

func TestTornTailIsCutAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a")
	put(t, s, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, journalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := len(whole) / 2
	for cut := first + 1; cut < len(whole); cut += 7 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		if got := fmt.Sprint(ids(t, s)); got != "[a]" {
			t.Fatalf("cut at %d of %d: %s", cut, len(whole), got)
		}
		put(t, s, "z")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if got := fmt.Sprint(ids(t, s)); got != "[a z]" {
			t.Fatalf("cut at %d, then written: %s", cut, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageInTheMiddleIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a")
	put(t, s, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, journalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[40] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a damaged journal answered %v", err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	defer func() { _ = s.Close() }()
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second store on the folder answered %v", err)
	}
}

func TestConcurrentUpdatesAreAllOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 10 {
				put(t, s, fmt.Sprintf("%d-%d", i, j))
			}
		})
	}
	wg.Wait()
	// Not closed: what Update returned for must be readable from the file as it is.
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		t.Fatal(err)
	}
	book := ledger.NewBook()
	if _, err := replay(f, book); err != nil {
		t.Fatal(err)
	}
	if book.Len() != 640 {
		t.Fatalf("on disk: %d", book.Len())
	}
	if err := errors.Join(f.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDiskFailureStopsTheStore(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.file.Close(); err != nil { // the next write fails as on a dead disk
		t.Fatal(err)
	}
	err := s.Update(func(*ledger.Book) ([]ledger.Record, error) {
		return []ledger.Record{{Transaction: &ledger.Transaction{ID: "a"}}}, nil
	})
	if err == nil {
		t.Fatal("a write to a dead disk was reported as done")
	}
	<-s.Failed()
	if s.View(func(*ledger.Book) {}) == nil {
		t.Fatal("memory that the disk does not know was shown")
	}
}

func TestCompactionKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a", "b")
	put(t, s, "a")
	if err := s.Update(func(*ledger.Book) ([]ledger.Record, error) {
		return []ledger.Record{{Vaulted: &ledger.Vaulted{Token: "tok", Created: time.Unix(1, 0)}}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := compact(dir, s.book); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer func() { _ = s.Close() }()
	if got := fmt.Sprint(ids(t, s)); got != "[a b]" {
		t.Fatalf("after compaction: %s", got)
	}
	if err := s.View(func(b *ledger.Book) {
		if _, err := b.Token("tok"); err != nil {
			t.Error("the vault was lost")
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRewritesALongHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line, err := encode([]ledger.Record{{Transaction: &ledger.Transaction{ID: "a", Kind: ledger.Sale, Status: ledger.Settled}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, journalName)
	if err := os.WriteFile(path, bytes.Repeat(line, compactAbove+2), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	put(t, s, "b") // appended behind the rewrite
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil || bytes.Count(whole, []byte("\n")) != 2 {
		t.Fatalf("%d lines, %v", bytes.Count(whole, []byte("\n")), err)
	}
	s = open(t, dir)
	defer func() { _ = s.Close() }()
	if got := fmt.Sprint(ids(t, s)); got != "[a b]" {
		t.Fatalf("after the rewrite: %s", got)
	}
}
