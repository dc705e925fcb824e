package search

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strconv"
)

// Band is a part of a range, from Min up to Max, both included; nil is open. Bands beside each other have no number in common, and all numbers
// are in one of them. Count is how many documents have a number in it that fit all other filters.
type Band struct {
	Min, Max *float64
	Count    int
}

const (
	maxBands = 6
	inABand  = 3 // products at least, on average
)

// steps are the digits that bands begin with, and how round they look.
var steps = []struct{ digits, rough int }{{10, 0}, {12, 2}, {15, 1}, {20, 0}, {25, 1}, {30, 1}, {40, 1}, {50, 0}, {60, 2}, {80, 2}}

// scale has the numbers at which a band may begin, in order. Numbers below the first are cell 0, those from the first on and below the second
// cell 1, and so on: fewer than 256.
type scale struct {
	edges []float64
	rough []int
}

var priceScale, numberScale = newScale(0, 11, 0), newScale(-3, 7, 2)

// newScale makes decades of steps, the first one from 10 * 10^exponent on, and as many below zero as are asked for, from -1 downwards.
func newScale(exponent, decades, below int) *scale {
	l := &scale{}
	add := func(sign string, step, exponent int) {
		edge, _ := strconv.ParseFloat(sign+strconv.Itoa(steps[step].digits)+"e"+strconv.Itoa(exponent), 64) // the nearest to it, as others read it
		l.edges, l.rough = append(l.edges, edge), append(l.rough, steps[step].rough)
	}
	for d := below - 1; d >= 0; d-- {
		for i := len(steps) - 1; i >= 0; i-- {
			add("-", i, d-1)
		}
	}
	if below > 0 {
		l.edges, l.rough = append(l.edges, 0), append(l.rough, 0)
	}
	for d := range decades {
		for i := range steps {
			add("", i, exponent+d)
		}
	}
	return l
}

func scaleOf(field string) *scale {
	if field == FieldPrice {
		return priceScale
	}
	return numberScale
}

// Edges are the numbers at which bands of a field may begin, in order; not to be changed.
func Edges(field string) []float64 { return scaleOf(field).edges }

// Cell is where a number of a field stands between its edges: how many of them are not above it.
func Cell(field string, n float64) uint8 {
	edges := scaleOf(field).edges
	return uint8(sort.Search(len(edges), func(i int) bool { return edges[i] > n }))
}

// Begin returns the cells at which bands of a field begin, the first of them cell 0, so that they hold about as many products as each other, and
// none much fewer; nil where there are too few. Products are counted by cell.
func Begin(field string, products []int) []int {
	rough := scaleOf(field).rough
	below := make([]int, len(products)+1) // by the cell that an edge begins
	some := 0
	for cell, n := range products {
		below[cell+1] = below[cell] + n
		some += min(n, 1)
	}
	total := below[len(products)]
	bands := min(maxBands, some, total/inABand)
	if bands < 2 {
		return nil
	}
	begins := []int{0}
	for k := 1; k < bands; k++ {
		last := below[begins[len(begins)-1]]
		best, bestOff := 0, 0
		for cell := 1; cell < len(products); cell++ {
			if least := min(below[cell]-last, total-below[cell]); least*bands*2 < total {
				continue // a band would have less than half of its share
			}
			off := below[cell]*bands - total*k
			off = max(off, -off)
			near, bestNear := max(off, total/3), max(bestOff, total/3) // within a third of a band rounder is better
			if best == 0 || cmp.Or(cmp.Compare(near, bestNear), cmp.Compare(rough[cell-1], rough[best-1]), cmp.Compare(off, bestOff)) < 0 {
				best, bestOff = cell, off
			}
		}
		if best > 0 {
			begins = append(begins, best)
		}
	}
	return begins
}

// Bands are those that begin at cells; the caller counts. A price is a whole number, so one below the next band is the last; of other numbers
// it is the one beside it, which is as near as they can be told apart.
func Bands(field string, begins []int) []Band {
	edges := scaleOf(field).edges
	bands := make([]Band, len(begins))
	for i := range bands {
		if i > 0 {
			from := edges[begins[i]-1]
			to := math.Nextafter(from, math.Inf(-1))
			if field == FieldPrice {
				to = from - 1
			}
			bands[i].Min, bands[i-1].Max = &from, &to
		}
	}
	return bands
}

// BandOf returns the number of the band that a cell belongs to.
func BandOf(begins []int, cell int) int {
	i, found := slices.BinarySearch(begins, cell)
	if !found {
		i--
	}
	return i
}
