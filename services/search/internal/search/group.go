package search

import (
	"slices"
	"strings"
)

// maxStandIns is how many words may stand for one at most: those of sixteen are what an index takes (MaxWords).
const maxStandIns = 32

// stand adds an alternative, unless it is there or there are too many.
func (g *Group) stand(words []string, weight float64) {
	n := len(words)
	for _, a := range g.Any {
		n += len(a.Words)
	}
	if n < maxStandIns && !slices.ContainsFunc(g.Any, func(a Alternative) bool { return slices.Equal(a.Words, words) }) {
		g.Any = append(g.Any, Alternative{Words: words, Weight: weight})
	}
}

// spread lets words stand for all of some groups.
func spread(groups []sought, to [][]string) {
	for i := range groups {
		for _, words := range to {
			groups[i].stand(words, SynonymWeight)
		}
	}
}

// CompoundWeight is what a word counts that what was typed is the last part of: less than a category's name, so that boots stand before gloves
// ("Handschuhe") where shoes are asked for.
const CompoundWeight = 0.5

// end has the words stand beside a word that end with it.
func (g *Group) end(word string, lexicon Lexicon) {
	for _, whole := range lexicon.Compounds(word) {
		g.stand([]string{whole}, CompoundWeight)
	}
}

// loosened is a group with what its word ends with.
func (g *sought) loosened() Group {
	out := g.Group
	if g.loose != nil {
		out.Any = slices.Clip(out.Any)
		for _, a := range g.loose.Any {
			out.stand(a.Words, a.Weight)
		}
	}
	return out
}

// NumberWeight is what a number without a unit counts: it says more of the word beside it, and alone it leads astray ("iphone 8").
const NumberWeight = 0.5

// weigh gives a group the weight of what was typed.
func (g *sought) weigh(lexicon Lexicon) {
	if isNumber(g.Any[0].Words[0]) {
		g.Weight = NumberWeight
		return
	}
	most := 0
	for _, a := range g.Any {
		most = max(most, lexicon.Count(a.Words[0]))
	}
	g.Weight = rarity(lexicon.Documents(), most)
}

// rarity is what a word counts, by how many documents have it: in few steps, so that it stays as it is while documents come and go.
func rarity(documents, have int) float64 {
	switch {
	case have*10 > documents:
		return 1
	case have*100 > documents:
		return 1.5
	case have*1000 > documents:
		return 2
	}
	return 2.5
}

// counting leaves out groups whose word does not count in the language, unless there are no others, and those that are there twice.
func (r *reading) counting(groups []sought, words []string) (all []sought) {
	seen := map[string]bool{}
	last := len(groups) - 1
	for _, stops := range []bool{false, true} {
		for i := range groups {
			g := &groups[i]
			unfinished := r.ask.Prefix && i == last
			if seen[words[i]] && !unfinished || !stops && !unfinished && stopIn(r.language, words[i]) {
				continue
			}
			seen[words[i]] = true
			g.known = unfinished || slices.ContainsFunc(g.Any, func(a Alternative) bool {
				return !slices.ContainsFunc(a.Words, func(w string) bool { return !r.known(w) })
			})
			all = append(all, *g)
		}
		if len(all) > 0 {
			return all
		}
	}
	return all
}

// typed is a word as it stands in the text.
func (r *reading) typed(t Token) string { return strings.ToValidUTF8(r.text[t.Start:t.End], "") }

// ladder returns the ways to perform a query, each of which finds what the one before does and more: all words; without those that no
// document has; for words that were written as one what they end with (boots, for winter boots); most of the words; one of them. The weights see to it that who has the rare words comes first.
func ladder(plan Plan, groups []sought, leftOut []string) (steps []Step) {
	if len(groups) == 0 {
		return nil
	}
	step := func(groups []Group, atLeast int, leftOut []string) {
		p := plan
		p.AtLeast, p.Groups = atLeast, groups
		steps = append(steps, Step{Plan: p, LeftOut: leftOut})
	}
	all := make([]Group, len(groups))
	for i := range groups {
		all[i] = groups[i].Group
	}
	step(all, 0, leftOut)
	var known, loose []Group
	unknown, gone := slices.Clone(leftOut), leftOut
	for i := range groups {
		g := &groups[i]
		if g.known {
			known = append(known, g.Group)
		} else {
			unknown = append(unknown, g.typed)
		}
		if g.known || g.loose != nil {
			loose = append(loose, g.loosened())
		} else {
			gone = append(slices.Clip(gone), g.typed)
		}
	}
	n := len(known)
	if n > 0 && n < len(groups) {
		step(known, 0, unknown)
	}
	if slices.ContainsFunc(groups, func(g sought) bool { return g.loose != nil }) {
		step(loose, max(n, 1), gone)
	}
	if n > 2 {
		step(loose, (2*n+2)/3, gone)
	}
	if n > 1 {
		step(loose, 1, gone)
	}
	return steps
}
