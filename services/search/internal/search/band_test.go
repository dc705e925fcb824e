package search

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit"
)

// cellsOf counts numbers by their cells.
func cellsOf(field string, numbers ...float64) []int {
	cells := make([]int, len(Edges(field))+1)
	for _, n := range numbers {
		cells[Cell(field, n)]++
	}
	return cells
}

func TestBandsBeginWhereTheDataSays(t *testing.T) {
	t.Parallel()
	spread := func(from, to, step float64) (all []float64) {
		for n := from; n <= to; n += step {
			all = append(all, n)
		}
		return all
	}
	for name, tc := range map[string]struct {
		field   string
		numbers []float64
		want    []float64 // where the bands after the first begin
	}{
		"nothing":                    {FieldPrice, nil, nil},
		"one":                        {FieldPrice, []float64{999}, nil},
		"one price":                  {FieldPrice, slices.Repeat([]float64{999}, 50), nil},
		"fewer than three in a band": {FieldPrice, []float64{100, 5000, 90_000}, nil},
		"two prices":                 {FieldPrice, []float64{900, 900, 900, 5500, 5500, 5500}, []float64{1000}},
		"from 10 to 100 evenly":      {FieldPrice, spread(1000, 9999, 10), []float64{2000, 4000, 5000, 6000, 8000}},
		"most of them cheap":         {FieldPrice, slices.Concat(spread(500, 999, 5), spread(1000, 99_900, 4000)), []float64{600, 800, 1000, 50_000}},
		"one is beyond all":          {FieldPrice, append(spread(2000, 2999, 100), 9e15), []float64{2500}},
		"below zero":                 {"attr.comfort", spread(-30, 20, 1), []float64{-20, -15, -5, 5, 10}},
		"less than one":              {"attr.width", spread(0.05, 0.95, 0.01), []float64{0.2, 0.3, 0.5, 0.6, 0.8}},
	} {
		begins := Begin(tc.field, cellsOf(tc.field, tc.numbers...))
		var got []float64
		for _, b := range Bands(tc.field, begins) {
			if b.Min != nil {
				got = append(got, *b.Min)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Whatever the numbers are: at most six bands, each with something in it, and each number in the band of its cell alone.
func TestEachNumberIsInOneBand(t *testing.T) {
	t.Parallel()
	r := testkit.Rand(t)
	for range 500 {
		field := []string{FieldPrice, "attr.width"}[r.IntN(2)]
		var numbers []float64
		top := math.Pow(10, 1+6*r.Float64())
		for range r.IntN(60) {
			n := math.Floor(r.Float64() * top)
			if field != FieldPrice {
				n = n/8 - top/100
			}
			numbers = append(numbers, n, Edges(field)[r.IntN(len(Edges(field)))])
		}
		begins := Begin(field, cellsOf(field, numbers...))
		bands := Bands(field, begins)
		if len(bands) > maxBands || len(bands) == 1 {
			t.Errorf("%d bands of %v", len(bands), numbers)
		}
		for _, n := range numbers {
			for i := range bands {
				b := &bands[i]
				within := (b.Min == nil || *b.Min <= n) && (b.Max == nil || n <= *b.Max)
				if within {
					b.Count++
				}
				if within != (i == BandOf(begins, int(Cell(field, n)))) {
					t.Errorf("%v is in the cell of band %d: %v, from %v to %v", n, i, !within, b.Min, b.Max)
				}
			}
		}
		for _, b := range bands {
			if share := len(numbers) / maxBands; 2*b.Count < share || b.Count == 0 {
				t.Errorf("a band has %d of %d: %v", b.Count, len(numbers), numbers)
			}
		}
	}
}

func TestEdgesAreInOrderAndFit(t *testing.T) {
	t.Parallel()
	for _, field := range []string{FieldPrice, "attr.width"} {
		edges := Edges(field)
		if len(edges) > math.MaxUint8 || !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) != len(edges) {
			t.Errorf("%s: %v", field, edges)
		}
		if Cell(field, math.Inf(-1)) != 0 || int(Cell(field, math.Inf(1))) != len(edges) {
			t.Errorf("%s: what is beyond the edges has no cell", field)
		}
	}
}
