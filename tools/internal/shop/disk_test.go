package shop

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestDisksNamesTheOtherDiskOfPostgres(t *testing.T) {
	t.Parallel()
	l := Layout{Data: t.TempDir()}
	if err := os.Mkdir(l.Postgres(), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := l.Disks(); !slices.Equal(got, []string{l.Data}) {
		t.Errorf("one disk: %v", got)
	}
	link := filepath.Join(l.Postgres(), "data")
	if err := os.Symlink("/proc", link); err != nil { // a file system of its own on every Linux
		t.Fatal(err)
	}
	if got := l.Disks(); !slices.Equal(got, []string{l.Data, link}) {
		t.Errorf("two disks: %v", got)
	}
}
