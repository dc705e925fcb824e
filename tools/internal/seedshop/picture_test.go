package seedshop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPictures(t *testing.T) {
	t.Parallel()
	for _, p := range Catalogue().Products {
		keys := map[string]bool{}
		for _, i := range p.Images {
			keys[i.Key] = true
			checkSVG(t, p.Slug+" "+i.Key, Picture(p.Slug, i.Key))
		}
		for _, v := range p.Variants {
			if !keys[v.Image] {
				t.Errorf("%s: no image %q", v.SKU, v.Image)
			}
		}
	}
}

func checkSVG(t *testing.T, where string, svg []byte) {
	t.Helper()
	if len(svg) == 0 || len(svg) > 6<<10 {
		t.Errorf("%s: %d bytes", where, len(svg))
	}
	if bytes.ContainsAny(svg, "$") {
		t.Errorf("%s: a placeholder is left", where)
	}
	allowed := "svg defs g path rect circle ellipse linearGradient radialGradient stop filter feGaussianBlur feOffset feComponentTransfer feFuncA feMerge feMergeNode "
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", where, err)
			return
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !strings.Contains(allowed, e.Name.Local+" ") {
			t.Errorf("%s: element %s", where, e.Name.Local)
		}
		for _, a := range e.Attr {
			foreign := strings.Contains(a.Value, "url(") && !strings.HasPrefix(a.Value, "url(#")
			if foreign || a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" {
				t.Errorf("%s: attribute %s=%q", where, a.Name.Local, a.Value)
			}
		}
	}
}

func TestPictureOfWhatTheShopDoesNotHave(t *testing.T) {
	t.Parallel()
	p := Catalogue().Products[0]
	if Picture("no-such-product", "main") != nil || Picture(p.Slug, "no-such-colour") != nil {
		t.Error("a picture of nothing")
	}
}
