package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// names gives brands and category paths their codes. What the shop has already keeps its code; a name never takes the code of
// another one.
type names struct {
	source string

	mu         sync.Mutex
	brands     map[string]string // code → name
	byBrand    map[string]string // name → code
	categories []category        // parents first
	byPath     map[string]int    // path → place in categories
	slugs      map[string]bool
}

// category is a node that the import needs.
type category struct {
	code, name, slug, parent string
	depth                    int
}

func newNames(source string, brands map[string]string) *names {
	n := &names{source: source, brands: map[string]string{}, byBrand: map[string]string{}, byPath: map[string]int{}, slugs: map[string]bool{}}
	for code, name := range brands {
		n.brands[code] = name
		n.byBrand[name] = code
	}
	return n
}

// maxCode is the longest code, in bytes.
const maxCode = 64

func (n *names) brand(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if code, ok := n.byBrand[name]; ok {
		return code
	}
	code := fit(slug(name), name)
	if _, taken := n.brands[code]; taken {
		code = fit(n.source+"-"+code+"-"+digest(name), name)
	}
	n.brands[code], n.byBrand[name] = name, code
	return code
}

// category returns the code of a path and notes all its nodes. Codes begin with the source, so that they never meet the shop's own.
func (n *names) category(path []string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	code, parts := "", []string{n.source}
	for depth, name := range path {
		key := strings.Join(path[:depth+1], "\x00")
		part := slug(name)
		if part == "" {
			part = digest(key)
		}
		parts = append(parts, part)
		if i, known := n.byPath[key]; known {
			code = n.categories[i].code
			continue
		}
		c := category{name: name, parent: code, depth: depth, code: fit(strings.Join(parts, "."), key), slug: strings.Join(parts, "-")}
		if n.slugs[c.slug] || len(c.slug) > 200 {
			c.slug = fit(c.slug[:min(len(c.slug), 100)], key) + "-" + digest(key)
			c.code = fit(c.code+"-"+digest(key), key)
		}
		n.slugs[c.slug] = true
		n.byPath[key] = len(n.categories)
		n.categories = append(n.categories, c)
		code = c.code
	}
	return code
}

// fit cuts a code that is too long and says by a digest what it was.
func fit(code, whole string) string {
	code = strings.Trim(code, "-.")
	if code == "" {
		return "x-" + digest(whole)
	}
	if len(code) <= maxCode {
		return code
	}
	return strings.TrimRight(code[:maxCode-9], "-.") + "-" + digest(whole)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

var plainLetters = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "â", "a", "å", "a",
	"ø", "o", "ó", "o", "ô", "o", "ñ", "n", "ç", "c", "í", "i", "ú", "u", "'", "", "’", "", "&", " and ", "+", " plus ")

// slug is s in lower-case letters and digits with single hyphens; "" when nothing of it is left.
func slug(s string) string {
	return strings.Join(strings.FieldsFunc(plainLetters.Replace(strings.ToLower(s)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
