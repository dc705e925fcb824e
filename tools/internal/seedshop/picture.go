package seedshop

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed pictures/*.txt
var pictureFiles embed.FS

// studio is what every picture needs: the drawings by name and the products by slug. It is built
// once, from embedded files only.
type studio struct {
	drawings map[string]string
	products map[string]*Product
	palette  map[string]string
}

var theStudio = sync.OnceValue(func() *studio {
	shop := Catalogue()
	s := &studio{drawings: drawings(), products: map[string]*Product{}, palette: map[string]string{}}
	for _, a := range shop.Attributes {
		if a.Code == "colour" {
			for _, c := range a.Values {
				s.palette[c.Code] = c.Hex
			}
		}
	}
	for i := range shop.Products {
		s.products[shop.Products[i].Slug] = &shop.Products[i]
	}
	return s
})

// Picture draws an image of a product as an SVG of 800 × 800 without text, script or references to
// anything outside it; key is an Image.Key of the product. It is nil for what the shop does not have.
func Picture(productSlug, key string) []byte {
	s := theStudio()
	p, ok := s.products[productSlug]
	if !ok {
		return nil
	}
	for _, i := range p.Images {
		if i.Key == key {
			return s.draw(p, key)
		}
	}
	return nil
}

func (s *studio) draw(p *Product, key string) []byte {
	drawing, ok := s.drawings[p.kind]
	if !ok {
		return nil
	}
	main, ok := s.palette[key]
	if !ok {
		if main, ok = s.palette[p.tint]; !ok {
			main = s.palette["oak"]
		}
	}
	accent := s.accent(p.Slug, main)
	wall := mix(mix(main, accent, 50), "#F3EEE6", 84)
	halo := mix(wall, "#FFFFFF", 62)
	if distance(main, "#000000") > 560 { // pale goods need something to stand out from
		wall = mix(mix(accent, "#CDBBA2", 64), "#F3EEE6", 46)
		halo = mix(wall, "#8A8076", 12)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, frame, mix(wall, "#FFFFFF", 45), wall, halo)
	b.WriteString(strings.NewReplacer(
		"$main", main, "$accent", accent, "$ink", "#3B3B41",
		"$light", mix(main, "#FFF8EC", 26), "$pale", mix(main, "#FFFAF2", 66),
		"$dark", mix(main, "#1E1A22", 20), "$deep", mix(main, "#1E1A22", 46),
	).Replace(drawing))
	b.WriteString("</g></svg>\n")
	return b.Bytes()
}

// frame is the same wall, light and shadow for every picture: the light comes from the upper left.
const frame = `<svg xmlns="http://www.w3.org/2000/svg" width="800" height="800" viewBox="0 0 400 400"><defs>` +
	`<linearGradient id="w" x1="0" y1="0" x2=".6" y2="1"><stop stop-color="%s"/><stop offset="1" stop-color="%s"/></linearGradient>` +
	`<linearGradient id="l" x1="0" y1="0" x2="1" y2=".7"><stop stop-color="#fff" stop-opacity=".24"/><stop offset=".5" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#1a1320" stop-opacity=".16"/></linearGradient>` +
	`<radialGradient id="s"><stop stop-color="#2a2027" stop-opacity=".34"/><stop offset="1" stop-color="#2a2027" stop-opacity="0"/></radialGradient>` +
	`<filter id="d" x="-10%%" y="-10%%" width="125%%" height="125%%"><feGaussianBlur in="SourceAlpha" stdDeviation="7"/><feOffset dx="5" dy="8"/><feComponentTransfer><feFuncA type="linear" slope=".2"/></feComponentTransfer><feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter></defs>` +
	`<rect width="400" height="400" fill="url(#w)"/><circle cx="200" cy="196" r="152" fill="%s" fill-opacity=".8"/><g filter="url(#d)">` + "\n"

// accent is a second colour, the same for all pictures of a product, that is not too near to main.
func (s *studio) accent(seed, main string) string {
	choices := []string{"mustard", "teal", "rust", "cream", "navy", "sage", "coral", "sky"}
	first := spread("accent", seed)
	for i := range uint64(len(choices)) {
		c := s.palette[choices[(first+i)%uint64(len(choices))]]
		if distance(c, main) > 110 {
			return c
		}
	}
	return s.palette["cream"]
}

// images are one per colour, or one for all variants. German has the names of colours.
func images(p *Product, german map[string]string) []Image {
	for _, o := range p.Options {
		if o.Attribute != "colour" {
			continue
		}
		var out []Image
		for _, c := range o.Values {
			out = append(out, Image{Key: c.Code, Alt: p.Title + " in " + strings.ToLower(c.Label), German: p.GermanTitle + " in " + german[c.Code]})
		}
		return out
	}
	return []Image{{Key: "main", Alt: p.Title, German: p.GermanTitle}}
}

var fill = regexp.MustCompile(`fill="[^"]*"`)

// drawings reads the picture files: takes in what "@name" names and lights what "+ " marks.
func drawings() map[string]string {
	raw := map[string][]string{}
	entries, err := pictureFiles.ReadDir("pictures")
	if err != nil {
		panic("seedshop: embedded pictures: " + err.Error())
	}
	for _, e := range entries {
		b, err := pictureFiles.ReadFile(path.Join("pictures", e.Name()))
		if err != nil {
			panic("seedshop: embedded pictures: " + err.Error())
		}
		name := ""
		for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
			line := strings.TrimSpace(sc.Text())
			if after, ok := strings.CutPrefix(line, "== "); ok {
				name = after
			} else if line != "" && !strings.HasPrefix(line, "#") {
				raw[name] = append(raw[name], line)
			}
		}
	}
	out := map[string]string{}
	for name := range raw {
		out[name] = compose(raw, name, 0)
	}
	return out
}

func compose(raw map[string][]string, name string, depth int) string {
	var b strings.Builder
	for _, line := range raw[name] {
		if base, ok := strings.CutPrefix(line, "@"); ok && depth < 4 {
			b.WriteString(compose(raw, base, depth+1))
		} else if shape, ok := strings.CutPrefix(line, "+ "); ok {
			b.WriteString(shape + "\n" + fill.ReplaceAllString(shape, `fill="url(#l)"`) + "\n")
		} else {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// mix is a with percent of b in it, both "#RRGGBB".
func mix(a, b string, percent int64) string {
	out := "#"
	for i := range 3 {
		x, y := channel(a, i), channel(b, i)
		out += fmt.Sprintf("%02X", x+(y-x)*percent/100)
	}
	return out
}

// distance is how far two colours are apart, summed over the channels: 0–765.
func distance(a, b string) int64 {
	var sum int64
	for i := range 3 {
		sum += max(channel(a, i)-channel(b, i), channel(b, i)-channel(a, i))
	}
	return sum
}

// channel is red, green or blue of "#RRGGBB"; what is no colour counts as black.
func channel(hex string, i int) int64 {
	if len(hex) != 7 {
		return 0
	}
	n, err := strconv.ParseInt(hex[1+2*i:3+2*i], 16, 64)
	if err != nil {
		return 0
	}
	return n
}
