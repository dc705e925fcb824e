package cart

import (
	"slices"
	"strconv"
	"strings"
)

// Item is what is to be added. Nil metadata leaves that of an existing line.
type Item struct {
	SKU      string
	Quantity int64 // ≥ 1
	Metadata []byte
}

// Add decides to add items, all or none. An item whose SKU is in the cart raises that line's quantity.
// Refused: ErrCompleted, ErrMerged, ErrQuantity with the SKU, ErrLines.
func (c *Cart) Add(items ...Item) (Event, error) {
	if err := c.editable(); err != nil || len(items) == 0 {
		return nil, err
	}
	lines, err := c.place(items)
	if err != nil {
		return nil, err
	}
	return LinesAdded{Lines: lines}, nil
}

// place gives each item its line, sums items of one SKU, and checks the limits.
func (c *Cart) place(items []Item) ([]Line, error) {
	have := make(map[string]Line, len(c.Lines)+len(items))
	for _, l := range c.Lines {
		have[l.SKU] = l
	}
	next := c.NextLine
	var out []Line
	at := make(map[string]int, len(items)) // SKU → index in out
	for _, it := range items {
		l, known := have[it.SKU]
		if !known {
			next++
			l = Line{ID: "l" + strconv.FormatInt(next, 10), SKU: it.SKU}
		}
		if it.Quantity > MaxQuantity-l.Quantity {
			return nil, ErrQuantity.With("sku", it.SKU)
		}
		l.Quantity += it.Quantity
		have[it.SKU] = l
		i, again := at[it.SKU]
		if !again {
			i = len(out)
			at[it.SKU] = i
			out = append(out, Line{ID: l.ID, SKU: l.SKU})
		}
		out[i].Quantity += it.Quantity
		if it.Metadata != nil {
			out[i].Metadata = it.Metadata
		}
	}
	if len(have) > MaxLines {
		return nil, ErrLines
	}
	return out, nil
}

// SetQuantity decides to set the quantity of a line; 0 removes it. Refused: ErrCompleted, ErrMerged, ErrLine, ErrQuantity.
func (c *Cart) SetQuantity(lineID string, quantity int64) (Event, error) {
	if err := c.editable(); err != nil {
		return nil, err
	}
	l, ok := c.Line(lineID)
	switch {
	case !ok:
		return nil, ErrLine
	case quantity > MaxQuantity:
		return nil, ErrQuantity.With("sku", l.SKU)
	case quantity <= 0:
		return LineRemoved{LineID: lineID}, nil
	case quantity == l.Quantity:
		return nil, nil
	}
	return QuantityChanged{LineID: lineID, Quantity: quantity}, nil
}

// NormalCode is the form in which codes are kept and compared.
func NormalCode(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// AddCoupon decides to note a code; one that is there changes nothing. Refused: ErrCompleted, ErrMerged, ErrCoupons.
func (c *Cart) AddCoupon(code string) (Event, error) {
	if err := c.editable(); err != nil {
		return nil, err
	}
	code = NormalCode(code)
	switch {
	case slices.Contains(c.Coupons, code):
		return nil, nil
	case len(c.Coupons) >= MaxCoupons:
		return nil, ErrCoupons
	}
	return CouponAdded{Code: code}, nil
}

// RemoveCoupon decides to forget a code. Refused: ErrCompleted, ErrMerged, ErrCoupon.
func (c *Cart) RemoveCoupon(code string) (Event, error) {
	if err := c.editable(); err != nil {
		return nil, err
	}
	code = NormalCode(code)
	if !slices.Contains(c.Coupons, code) {
		return nil, ErrCoupon
	}
	return CouponRemoved{Code: code}, nil
}

// Merge decides to take everything out of from and into c; the two events belong into one transaction. What was merged
// before decides nothing. Lines of one SKU are summed; c's metadata wins, and its currency, country and channel stay. Refused: ErrSelf; ErrCompleted and ErrMerged of
// either cart; ErrQuantity, ErrLines, ErrCoupons.
func (c *Cart) Merge(from *Cart) (into, away Event, err error) {
	if c.ID == from.ID {
		return nil, nil, ErrSelf
	}
	if err := c.editable(); err != nil {
		return nil, nil, err
	}
	if slices.Contains(c.MergedFrom, from.ID) {
		return nil, nil, nil
	}
	if err := from.editable(); err != nil {
		return nil, nil, err
	}
	items := make([]Item, len(from.Lines))
	for i, l := range from.Lines {
		items[i] = Item{SKU: l.SKU, Quantity: l.Quantity}
		if c.bySKU(l.SKU) < 0 {
			items[i].Metadata = l.Metadata
		}
	}
	lines, err := c.place(items)
	if err != nil {
		return nil, nil, err
	}
	var codes []string
	for _, code := range from.Coupons {
		if !slices.Contains(c.Coupons, code) {
			codes = append(codes, code)
		}
	}
	if len(c.Coupons)+len(codes) > MaxCoupons {
		return nil, nil, ErrCoupons
	}
	return MergedIn{From: from.ID, Earlier: slices.Clone(from.MergedFrom), Lines: lines, Coupons: codes}, MergedInto{Into: c.ID}, nil
}

// TakeOut decides what becomes of the lines that from had brought when an order of from was placed. Nothing when they are not here, or
// when this cart was ordered too.
func (c *Cart) TakeOut(from *Cart, orderID string) Event {
	if c.Status != Open || !slices.Contains(c.MergedFrom, from.ID) {
		return nil
	}
	lines := make([]Line, len(from.Moved))
	for i, l := range from.Moved {
		lines[i] = Line{SKU: l.SKU, Quantity: l.Quantity}
	}
	return MergedOrdered{From: from.ID, OrderID: orderID, Lines: lines}
}

// Place decides that an order was placed from the cart; once is enough. It is never refused: the order exists.
func (c *Cart) Place(orderID string) Event {
	if c.Status == Completed {
		return nil
	}
	return OrderPlaced{OrderID: orderID}
}
