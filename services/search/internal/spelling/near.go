package spelling

import "unicode/utf8"

// table is what it takes to make beginnings of one word of beginnings of another (Damerau and Levenshtein, restricted: what changed places is
// not changed again): row i for the first i characters of the one, column j for the first j of the other. Only the cells beside the
// diagonal are reckoned, for the others are more than may be.
type table struct {
	target  []rune
	most    int // mistakes
	letters [longest + 3]rune
	cells   [longest + 3][longest + 1]uint8
}

func newTable(target []rune, most int) *table {
	t := &table{target: target, most: most}
	for j := range target {
		t.cells[0][j+1] = uint8(min(j+1, most+1))
	}
	return t
}

// step reckons row i, of which c is the last character, and tells whether a longer word can still be near enough.
func (t *table) step(i int, c rune) bool {
	if i > len(t.target)+t.most {
		return false
	}
	t.letters[i] = c
	row, above := &t.cells[i], &t.cells[i-1]
	far := uint8(t.most + 1)
	from, to := max(1, i-t.most), min(len(t.target), i+t.most)
	row[0] = uint8(min(i, t.most+1))
	if from > 1 {
		row[from-1] = far
	}
	alive := row[0] < far
	for j := from; j <= to; j++ {
		n := above[j-1]
		if t.target[j-1] != c {
			n++
		}
		n = min(n, row[j-1]+1)
		if j < i+t.most { // above it is reckoned
			n = min(n, above[j]+1)
		}
		if i > 1 && j > 1 && t.target[j-1] == t.letters[i-1] && t.target[j-2] == c {
			n = min(n, t.cells[i-2][j-2]+1)
		}
		row[j] = min(n, far)
		alive = alive || n < far
	}
	return alive
}

// near tells whether the word of the first i characters is near enough.
func (t *table) near(i int) bool {
	return i >= len(t.target)-t.most && t.cells[i][len(t.target)] <= uint8(t.most)
}

// nearest returns the most frequent word that is at most so many mistakes away; "" where there is none. It walks the words as a tree: what
// they have in common is reckoned once, and words that begin like one that went too far are not looked at.
func (d *Dictionary) nearest(word string, mistakes int) (best string) {
	t := newTable([]rune(word), mistakes)
	asked := digits(word)
	var ends [longest + 3]int // of the characters of the word that is looked at, in bytes
	depth, documents := 0, 0
	for i := 0; i < len(d.words); {
		e := &d.words[i]
		for ends[depth] > int(e.shared) {
			depth--
		}
		alive := true
		for at := ends[depth]; at < len(e.word); {
			c, size := utf8.DecodeRuneInString(e.word[at:])
			at += size
			if alive = t.step(depth+1, c); !alive {
				for i++; i < len(d.words) && int(d.words[i].shared) >= at; {
					i++
				}
				break
			}
			depth++
			ends[depth] = at
		}
		if !alive {
			continue
		}
		if t.near(depth) && e.documents > documents && digits(e.word) == asked { // by letters: the first of equals stays
			best, documents = e.word, e.documents
		}
		i++
	}
	return best
}
