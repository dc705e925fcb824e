package up

import (
	"strings"
	"testing"
)

func TestAFullDiskIsRefused(t *testing.T) {
	t.Parallel()
	if err := room(least, "/shop"); err != nil {
		t.Errorf("just enough: %v", err)
	}
	if err := room(30<<20, "/shop"); err == nil || !strings.Contains(err.Error(), "only 30 MiB are left on the disk that holds /shop") {
		t.Errorf("30 MiB: %v", err)
	}
}

func TestAFullDiskIsToldOnce(t *testing.T) {
	t.Parallel()
	var notes diskNotes
	var said []bool
	for _, free := range []int64{narrow, narrow - 1, 0, narrow, 2 * narrow, narrow - 1} {
		format, _ := notes.note(free, "/shop")
		said = append(said, format != "")
	}
	for i, want := range []bool{false, true, false, false, true, true} {
		if said[i] != want {
			t.Errorf("look %d: said something is %v, want %v", i, said[i], want)
		}
	}
}
