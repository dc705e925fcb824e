package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Item is a product to write. ID names one that must exist; without it the ExternalID finds one, or NewID is that of a new one.
type Item struct {
	ID      string
	NewID   string
	IfMatch *int64 // the version that the change is meant for
	Product Product
	Prefix  string        // of the places of faults
	Faults  []fault.Field // found on the way in: the item is refused
}

// Record is a product as it is kept.
type Record struct {
	ID      string
	Version int64
	Product Product
	Hash    [32]byte

	Published time.Time // the first time; zero: never
}

// Known is what is kept of everything that items touch.
type Known struct {
	ByID       map[string]*Record
	ByExternal map[string]*Record
	SKUs       map[string]string // SKU → product id
	Slugs      map[string]string // slug, old ones too → product id
}

// The outcomes of an item.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	Refused   = "refused"
)

// Outcome is what becomes of an item. Err is set when it is refused; a *fault.Fault that names all places.
type Outcome struct {
	Kind string
	Record
	Before *Record // of an update
	Err    error
}

// The refusals of a single product.
var (
	ErrNotFound = fault.New(fault.NotFound, "product-not-found", "There is no such product.")
	ErrGone     = fault.New(fault.Gone, "gone", "The product is no longer sold.") // with the category_path of the product
	ErrVersion  = fault.New(fault.Precondition, "version-conflict", "The product has changed since it was read.")
)

// Plan decides what becomes of each item, one after the other: a later item sees what an earlier one takes. The items went
// through Check before. It changes known.
func Plan(known *Known, items []Item) []Outcome {
	out := make([]Outcome, len(items))
	written := map[string]bool{}
	for i := range items {
		out[i] = known.decide(&items[i], written)
		if o := &out[i]; o.Kind != Refused {
			written[o.ID] = true
			known.take(o)
		}
	}
	return out
}

func (k *Known) decide(it *Item, written map[string]bool) Outcome {
	var c fault.Collector
	for _, f := range it.Faults {
		c.Add(f.Location, f.Message, f.Value)
	}
	p := it.Product
	before, err := k.find(it)
	if err != nil {
		return refused(err)
	}
	id := it.NewID
	if before != nil {
		id = before.ID
		c.Check(!written[id], it.Prefix+"external_id", "stands twice", p.ExternalID)
	}
	if other := k.ByExternal[p.ExternalID]; p.ExternalID != "" && other != nil {
		c.Check(other.ID == id, it.Prefix+"external_id", "belongs to another product", p.ExternalID)
	}
	for i, v := range p.Variants {
		owner, taken := k.SKUs[v.SKU]
		c.Check(!taken || owner == id, fmt.Sprintf("%svariants[%d].sku", it.Prefix, i), "belongs to another product", v.SKU)
	}
	p.Slug = k.slug(it, before, id, &c)
	if p.Status == "" {
		p.Status = Draft
		if before != nil {
			p.Status = before.Product.Status
		}
	}
	if err := c.Err(); err != nil {
		return refused(err)
	}
	return settle(before, id, p)
}

// settle compares a product that may be written with the one that is there.
func settle(before *Record, id string, p Product) Outcome {
	o := Outcome{Kind: Created, Record: Record{ID: id, Version: 1, Product: p, Hash: p.Hash()}, Before: before}
	if before == nil {
		return o
	}
	if err := Move(before.Product.Status, p.Status); err != nil {
		return refused(err)
	}
	if before.Hash == o.Hash {
		return Outcome{Kind: Unchanged, Record: *before, Before: before}
	}
	o.Kind, o.Version, o.Published = Updated, before.Version+1, before.Published
	return o
}

func refused(err error) Outcome { return Outcome{Kind: Refused, Err: err} }

func (k *Known) find(it *Item) (*Record, error) {
	if it.ID == "" {
		if it.Product.ExternalID == "" {
			return nil, nil
		}
		return k.ByExternal[it.Product.ExternalID], nil
	}
	before := k.ByID[it.ID]
	if before == nil {
		return nil, ErrNotFound
	}
	if it.IfMatch != nil && *it.IfMatch != before.Version {
		return nil, ErrVersion.With("version", before.Version)
	}
	return before, nil
}

// slug returns the slug that the product gets: the one asked for, else the one it has, else one made from its title.
func (k *Known) slug(it *Item, before *Record, id string, c *fault.Collector) string {
	free := func(s string) bool { owner, taken := k.Slugs[s]; return !taken || owner == id }
	switch {
	case it.Product.Slug != "":
		c.Check(free(it.Product.Slug), it.Prefix+"slug", "belongs to another product, now or before", it.Product.Slug)
		return it.Product.Slug
	case before != nil:
		return before.Product.Slug
	}
	for _, s := range it.Slugs() {
		if free(s) {
			return s
		}
	}
	c.Add(it.Prefix+"slug", "none is free: give one", nil)
	return ""
}

// Slugs lists the slugs that the item may get, the best first.
func (it *Item) Slugs() []string {
	if it.Product.Slug != "" {
		return []string{it.Product.Slug}
	}
	base := Slugify(it.Product.Title)
	var all []string
	if productSlug(base) {
		all = append(all, base)
	}
	if len(it.Product.Variants) > 0 {
		if s := strings.Trim(base+"-"+Slugify(it.Product.Variants[0].SKU), "-"); productSlug(s) {
			all = append(all, s)
		}
	}
	return append(all, strings.Trim(base+"-p"+strings.ReplaceAll(it.NewID, "-", ""), "-"))
}

// take notes what an outcome makes its own.
func (k *Known) take(o *Outcome) {
	r := o.Record
	k.ByID[r.ID] = &r
	if r.Product.ExternalID != "" {
		k.ByExternal[r.Product.ExternalID] = &r
	}
	k.Slugs[r.Product.Slug] = r.ID
	for _, v := range r.Product.Variants {
		k.SKUs[v.SKU] = r.ID
	}
}

// What is not translated is left out of hashes, so that those of products from before there were translations still hold.
const (
	untranslated = `,"Titles":null,"Descriptions":null`
	noTexts      = `,"Texts":null`
)

// Hash is over everything that a product is, so that writing it again can be seen to change nothing.
func (p *Product) Hash() [32]byte {
	data, err := json.Marshal(p)
	if err != nil {
		panic(errors.Join(errors.New("catalog: a product holds what is no JSON"), err)) // Check lets only JSON through
	}
	data = bytes.Replace(data, []byte(noTexts), nil, 1)
	return sha256.Sum256(bytes.Replace(data, []byte(untranslated), nil, 1))
}

const maxMadeSlug = 80 // longer ones are cut at a word

var latin = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "å", "a", "á", "a", "à", "a", "â", "a",
	"ã", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "í", "i", "ì", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o",
	"õ", "o", "ú", "u", "ù", "u", "û", "u", "ý", "y", "ÿ", "y", "š", "s", "ž", "z", "č", "c", "ł", "l", "'", "", "’", "", "&", " and ", "+", " plus ")

// Slugify makes a slug of a title; "" when nothing in it can stand in one.
func Slugify(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range latin.Replace(strings.ToLower(title)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		} else {
			gap = true
		}
	}
	s := b.String()
	if len(s) > maxMadeSlug {
		s = s[:maxMadeSlug]
		if i := strings.LastIndexByte(s, '-'); i > 0 {
			s = s[:i]
		}
	}
	return s
}
