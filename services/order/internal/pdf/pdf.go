// Package pdf draws invoices and credit notes. The same sheet gives the same bytes. Fonts are the Go fonts, which have the Latin, Greek and
// Cyrillic scripts of Europe; of a character that they do not have, "?" stands.
package pdf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"github.com/sidecart/sidecart/services/order/internal/app"
)

const (
	font   = "go"
	width  = 170 // mm between the margins of an A4 page
	margin = 20
)

// page is a document being drawn.
type page struct {
	*fpdf.Fpdf
	known *sfnt.Font
	buf   sfnt.Buffer
}

// Draw returns a sheet as PDF.
func Draw(s app.Sheet) ([]byte, error) {
	known, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	p := &page{Fpdf: fpdf.New("P", "mm", "A4", ""), known: known}
	p.SetCatalogSort(true)
	p.SetCreationDate(s.IssuedAt.UTC())
	p.SetModificationDate(s.IssuedAt.UTC())
	p.SetProducer("sidecart", true)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, 25)
	p.AddUTF8FontFromBytes(font, "", goregular.TTF)
	p.AddUTF8FontFromBytes(font, "B", gobold.TTF)
	p.SetFooterFunc(func() {
		p.SetY(-18)
		p.SetFont(font, "", 8)
		p.CellFormat(width, 4, p.text(s.Entity.Footer), "", 1, "C", false, 0, "")
		p.CellFormat(width, 4, s.Number+" · "+strconv.Itoa(p.PageNo()), "", 0, "C", false, 0, "")
	})
	p.AddPage()
	p.head(s)
	p.lines(s)
	p.taxes(s)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("draw %s: %w", s.Number, err)
	}
	return out.Bytes(), nil
}

// text is what the font can show.
func (p *page) text(s string) string {
	return strings.Map(func(r rune) rune {
		if i, err := p.known.GlyphIndex(&p.buf, r); err != nil || i == 0 {
			return '?'
		}
		return r
	}, s)
}

func (p *page) line(style string, size float64, text string) {
	p.SetFont(font, style, size)
	p.MultiCell(width, size*0.5, p.text(text), "", "L", false)
}

func (p *page) head(s app.Sheet) {
	p.line("B", 12, s.Entity.Name)
	for _, l := range s.Entity.Address {
		p.line("", 9, l)
	}
	if s.Entity.TaxID != "" {
		p.line("", 9, s.Entity.TaxID)
	}
	p.Ln(10)
	b := s.Billing
	for _, l := range []string{b.Name, b.Company, b.Line1, b.Line2, strings.TrimSpace(b.PostalCode + " " + b.City), b.Region, b.Country} {
		if l != "" {
			p.line("", 10, l)
		}
	}
	p.Ln(10)
	title := "Invoice " + s.Number
	if s.Of != "" {
		title = "Credit note " + s.Number + " for invoice " + s.Of
	}
	p.SetTitle(title, true)
	p.line("B", 14, title)
	p.line("", 9, "Issued "+s.IssuedAt.UTC().Format("2006-01-02")+" · Order "+s.OrderNumber+" of "+s.PlacedAt.UTC().Format("2006-01-02"))
	p.Ln(5)
}

// row draws cells side by side; the first may take several lines.
func (p *page) row(style, border string, widths []float64, cells ...string) {
	p.SetFont(font, style, 9)
	parts := p.SplitText(p.text(cells[0]), widths[0]-2)
	for i, part := range parts {
		edge := ""
		if i == len(parts)-1 {
			edge = border
		}
		p.CellFormat(widths[0], 5, part, edge, 0, "L", false, 0, "")
		for j, w := range widths[1:] {
			text := ""
			if i == 0 {
				text = p.text(cells[j+1])
			}
			p.CellFormat(w, 5, text, edge, 0, "R", false, 0, "")
		}
		p.Ln(-1)
	}
}

func (p *page) lines(s app.Sheet) {
	widths := []float64{80, 40, 15, 35}
	p.row("B", "B", widths, "Item", "SKU", "Qty", "Amount")
	for _, l := range s.Lines {
		p.row("", "", widths, l.Title, l.SKU, strconv.FormatInt(l.Quantity, 10), l.Amount.String())
	}
	p.Ln(4)
}

func (p *page) taxes(s app.Sheet) {
	widths := []float64{65, 35, 35, 35}
	p.row("B", "B", widths, "Tax", "Net", "Tax", "Gross")
	for _, t := range s.Taxes {
		gross := t.Net
		gross.Minor += t.Tax.Minor
		p.row("", "", widths, t.Name, t.Net.String(), t.Tax.String(), gross.String())
	}
	p.row("B", "T", widths, "Total", "", "", s.Total.String())
	note := "Amounts of items contain tax."
	if !s.TaxIncluded {
		note = "Amounts of items do not contain tax."
	}
	p.Ln(2)
	p.line("", 8, note)
}
