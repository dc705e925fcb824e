package search

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIndexHasTheRows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Sony WH-1000XM4":            "sony wh 1000xm4 || wh1000 wh1000xm wh1000xm4 1000 1000xm xm xm4",
		"T-Shirt":                    "t shirt || tshirt",
		"Women's shoes":              "women shoes || womens",
		"L'Oréal Paris":              "l oreal paris || loreal",
		"H&M":                        "h m || hm",
		"Galaxy S21 Ultra":           "galaxy s21 ultra || galaxys21 21",
		"They don't care":            "they don t care || dont",
		"Caf&eacute;&#8482; A&amp;B": "cafe a b || ab",
		"B&GT &x; &;":                "b gt x || bgt",
		"256GB":                      "256gb || 256",
		"1TB SSD":                    "1tb ssd",
		"plain words only":           "plain words only",
		"set of 6 mugs":              "set of 6 mugs || 6mugs",
		"":                           "",
	} {
		if got := Index(text); got != want {
			t.Errorf("%q is held as %q, want %q", text, got, want)
		}
	}
}

func TestIndexKeepsTextsApart(t *testing.T) {
	t.Parallel()
	if got, want := Index("SC-1", "", "2 in", " 1\nT shirt"), "sc 1 | | 2in | 1 t shirt || sc1 tshirt"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Index("SC-1", "SC-1 | B||C"), "sc 1 | sc 1 b c || sc1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	words, rows := Held(Index("SC-1", "blue T-shirt"))
	if strings.Join(words, " ") != "sc 1 blue t shirt" || strings.Join(rows, " ") != "sc1 tshirt" {
		t.Errorf("%q, %q", words, rows)
	}
	if words, rows := Held(Index()); len(words)+len(rows) != 0 {
		t.Errorf("%q, %q", words, rows)
	}
}

// found tells whether an index that has one document finds it: each word of the query, or what it makes with its neighbours.
func found(doc, query string) bool {
	held := map[string]bool{}
	for w := range strings.FieldsSeq(Index(doc)) {
		held[w] = true
	}
	tokens := Read(query)
	known := func(w string) bool { return held[w] }
	rows := joined(tokens, known)
	for i := range tokens {
		if !held[tokens[i].Word] && !held[tokens[i].full] && !slices.ContainsFunc(rows, func(r row) bool { return r.from <= i && i <= r.to && held[r.word] }) {
			return false
		}
	}
	return len(tokens) > 0
}

func TestSpellingsOfTheSameFindEachOther(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"WH-1000XM4", "WH 1000 XM4", "wh1000xm4", "wh-1000 xm4", "WH1000-XM4", "wh 1000xm4", "WH_1000_XM4", "wh1000 xm 4"},
		{`15.6"`, "15,6 Zoll", "15.6 inch", "15.6-inch", "15.6in", "15.60 inches"},
		{"1TB", "1 TB", "1-tb", "1 Terabyte", "1 To"},
		{"T-Shirt", "tshirt", "t shirt", "T‑SHIRT", "t.shirt"},
		{"iPhone 15", "iphone15", "IPHONE-15"},
		{"iPhone 6s", "iphone6s", "iphone 6 s"},
		{"PS5", "ps 5", "PS-5"},
		{"RTX 4070 Ti", "rtx4070ti", "RTX4070 Ti", "rtx 4070ti"},
		{"2-in-1", "2in1", "2 in 1"},
		{"1920x1080", "1920 x 1080", "1920×1080"},
		{"e-reader", "ereader", "e reader"},
		{"X-ray", "xray", "x ray"},
		{"L'Oréal", "loreal", "l’oreal", "L OREAL"},
		{"Levi's", "levis", "Levi’s"},
		{"H&M", "h-m", "hm", "h m"},
		{"Redmi 9A", "redmi9a", "redmi-9a"},
		{"S21+", "s21 plus", "S21Plus"},
		{"Kopfhörer", "KOPFHORER"},
		{"rock'n'roll", "rocknroll", "Rock n Roll"},
		{"802.11ac", "802.11 ac", "802,11-AC"},
	} {
		for _, doc := range same {
			for _, query := range same {
				if !found(doc, query) {
					t.Errorf("%q is not found by %q: %s", doc, query, Index(doc))
				}
			}
		}
	}
}

func TestOthersAreNotFound(t *testing.T) {
	t.Parallel()
	for doc, query := range map[string]string{
		"iPhone 12 5G":    "iphone 5",
		"Sony WH-1000XM5": "wh1000xm4",
		`Laptop 15.6"`:    `14"`,
		"1TB":             "1gb",
		"Canon EOS 80D":   "eos 8",
		"set of 60 cups":  "set of 6 cups",
	} {
		if found(doc, query) {
			t.Errorf("%q is found by %q", doc, query)
		}
	}
}

// atomsOf draws what a model number is made of: letters and digits by turns, and where a row of letters is cut, it is by a hyphen.
func atomsOf(t *rapid.T) []string {
	n := rapid.IntRange(2, maxAtoms).Draw(t, "atoms")
	letters := rapid.Bool().Draw(t, "letters first")
	atoms := make([]string, n)
	for i := range atoms {
		if letters == (i%2 == 0) {
			atoms[i] = rapid.StringMatching(`[B-Zb-z]{1,3}`).Filter(func(s string) bool {
				s = strings.ToLower(s)
				return !dividing(s) && units[s] == ""
			}).Draw(t, "letters")
		} else {
			atoms[i] = rapid.StringMatching(`[1-9][0-9]{0,3}`).Draw(t, "digits")
		}
	}
	return atoms
}

func written(t *rapid.T, atoms []string, gaps []string) string {
	var b strings.Builder
	for i, a := range atoms {
		if i > 0 {
			b.WriteString(rapid.SampledFrom(gaps).Draw(t, "gap"))
		}
		b.WriteString(a)
	}
	return b.String()
}

// TestModelNumbersFindEachOther is the law of join.go: however the atoms are divided in the document and in the query.
func TestModelNumbersFindEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		atoms := atomsOf(t)
		doc := written(t, atoms, []string{"", "", "-", " ", "_", "/", "‑"})
		query := written(t, atoms, []string{"", "", "-", " ", "  ", "_"})
		if !found("the new "+doc+" for you", query) {
			t.Fatalf("%q is not found by %q: %s", doc, query, Index(doc))
		}
		if !found(doc, strings.ToUpper(query)) || !found(strings.ToUpper(doc), query) {
			t.Fatalf("%q and %q in capitals", doc, query)
		}
	})
}

// TestHyphensFindEachOther: letters alone, held together by hyphens, or written as one; spaces join where a single letter stands.
func TestHyphensFindEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[b-z]{1,8}`).Filter(func(s string) bool { return s != "s" && s != "y" }), 2, 4).Draw(t, "parts")
		gaps := []string{"", "-", "'", "&", "."}
		doc := strings.Join(parts, rapid.SampledFrom(gaps[1:]).Draw(t, "doc"))
		query := strings.Join(parts, rapid.SampledFrom(gaps).Draw(t, "query"))
		if !found(doc, query) || !found(query, doc) {
			t.Fatalf("%q and %q", doc, query)
		}
	})
}
