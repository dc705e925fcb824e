package up

import "testing"

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
