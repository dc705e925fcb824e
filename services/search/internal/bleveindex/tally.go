package bleveindex

import (
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// tally counts products by the cells of their numbers, so that bands of any cells beside each other can be counted afterwards: a product
// with several of them counts in each, and is taken off once for each two that follow each other within a band.
type tally struct {
	cells []int
	pairs [][2]uint8 // cells that follow each other among those of one product
	own   []uint8    // cells of the present product, each once
}

func (t *tally) add(cell uint8) {
	if !slices.Contains(t.own, cell) {
		t.own = append(t.own, cell)
	}
}

// product ends the present product.
func (t *tally) product() {
	if len(t.own) > 1 {
		slices.Sort(t.own)
		for i, cell := range t.own[1:] {
			t.pairs = append(t.pairs, [2]uint8{t.own[i], cell})
		}
	}
	for _, cell := range t.own {
		t.cells[cell]++
	}
	t.own = t.own[:0]
}

func (t *tally) bands(field string) []search.Band {
	begins := search.Begin(field, t.cells)
	bands := search.Bands(field, begins)
	if len(bands) == 0 {
		return nil
	}
	of := make([]int, len(t.cells))
	for cell, n := range t.cells {
		of[cell] = search.BandOf(begins, cell)
		bands[of[cell]].Count += n
	}
	for _, pair := range t.pairs {
		if of[pair[0]] == of[pair[1]] {
			bands[of[pair[0]]].Count--
		}
	}
	return bands
}
