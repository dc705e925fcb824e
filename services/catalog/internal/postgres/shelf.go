package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// bestPrice picks the row that a SKU (v.sku) is sold by: the list with the highest priority, then the lowest amount, and of
// equal ones what began last, as pricing does. Its parameters are currency, country and the time.
const bestPrice = `
	SELECT s.amount, s.compare_at, s.ctid AS place FROM sku_prices s
	WHERE s.sku = v.sku AND s.currency = $1 AND (s.countries = '{}' OR $2 = ANY (s.countries))
		AND (s.valid_from IS NULL OR s.valid_from <= $3) AND (s.valid_to IS NULL OR s.valid_to > $3)
	ORDER BY s.priority DESC, s.amount, s.list_id, s.valid_from DESC NULLS LAST LIMIT 1`

// pageSQL answers all of the pages of the products that n (name, id) names and that fit a condition, in one statement.
const pageSQL = `
	SELECT n.name, p.id::text, p.version, p.doc, p.content_hash, p.created_at, p.updated_at, (SELECT version FROM registry_version),
		coalesce(o.offers, '{}')
	FROM (%s) AS n (name, id) JOIN products p ON p.id = n.id
	LEFT JOIN LATERAL (
		SELECT jsonb_object_agg(v.sku, jsonb_build_object(
			'amount', b.amount, 'compare_at', b.compare_at, 'available', coalesce(l.available, 0), 'status', coalesce(l.status, ''), 'ships_at', l.ships_at)) AS offers
		FROM variants v LEFT JOIN LATERAL (` + bestPrice + `) b ON true LEFT JOIN sku_levels l ON l.sku = v.sku
		WHERE v.product_id = p.id
	) o ON true
	WHERE %s`

// wasThere takes what is or was in the shop: a draft that was put aside never was.
const wasThere = `p.status = 'published' OR p.status = 'archived' AND p.published_at IS NOT NULL`

// A product's page has statements of its own: an array counts as ten names when Postgres makes a plan to keep, which then looks
// too dear to be kept, and planning costs more than reading.
var (
	pageByID    = fmt.Sprintf(pageSQL, `SELECT $4::uuid::text, $4::uuid`, wasThere)
	pageBySlug  = fmt.Sprintf(pageSQL, `SELECT slug, product_id FROM product_slugs WHERE slug = $4`, wasThere)
	pagesByName = fmt.Sprintf(pageSQL, `SELECT id::text, id FROM unnest($4::uuid[]) AS id UNION ALL SELECT slug, product_id FROM product_slugs WHERE slug = ANY ($5::text[])`, `p.status = 'published'`)
)

// Page implements app.Shelf in one statement.
func (s *Store) Page(ctx context.Context, name string, m app.Market) (*app.Page, error) {
	sql := pageBySlug
	if catalog.IsID(name) {
		sql = pageByID
	}
	found, _, err := s.pages(ctx, m, sql, name)
	if err != nil {
		return nil, fmt.Errorf("product %s: %w", name, err)
	}
	page, ok := found[name]
	if !ok {
		return nil, catalog.ErrNotFound
	}
	return page, nil
}

// Pages implements app.Shelf in one statement.
func (s *Store) Pages(ctx context.Context, names []string, m app.Market) (map[string]*app.Page, *catalog.Registry, error) {
	ids, slugs := []string{}, []string{}
	for _, name := range names {
		if catalog.IsID(name) {
			ids = append(ids, name)
		} else {
			slugs = append(slugs, name)
		}
	}
	found, reg, err := s.pages(ctx, m, pagesByName, ids, slugs)
	if err != nil {
		return nil, nil, fmt.Errorf("products %v: %w", names, err)
	}
	return found, reg, nil
}

// pages reads pages by the names in n.
func (s *Store) pages(ctx context.Context, m app.Market, sql string, names ...any) (map[string]*app.Page, *catalog.Registry, error) {
	rows, err := s.pool.Query(ctx, sql, append([]any{string(m.Currency), m.Country, m.Now}, names...)...)
	if err != nil {
		return nil, nil, pg.AsFault(err)
	}
	var name, id string
	var version, registry int64
	var doc, hash, offers []byte
	var created, updated time.Time
	found := map[string]*app.Page{}
	_, err = pgx.ForEachRow(rows, []any{&name, &id, &version, &doc, &hash, &created, &updated, &registry, &offers}, func() error {
		page := &app.Page{CreatedAt: created, UpdatedAt: updated}
		var err error
		if page.Record, err = record(id, version, doc, hash); err != nil {
			return err
		}
		if page.Offers, err = readOffers(offers, m.Currency); err != nil {
			return fmt.Errorf("offers of %s: %w", id, err)
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s %s", id, version, registry, m.Currency, offers))
		page.Tag = hex.EncodeToString(sum[:12])
		found[name] = page
		return nil
	})
	if err != nil {
		return nil, nil, pg.AsFault(err)
	}
	if len(found) == 0 {
		return found, catalog.NewRegistry(s.language, nil, nil, nil), nil
	}
	reg, err := s.registryAt(ctx, s.pool, registry)
	for _, page := range found {
		page.Registry = reg
	}
	return found, reg, err
}

func readOffers(raw []byte, c money.Currency) (map[string]app.Offer, error) {
	var bySKU map[string]struct {
		Amount    *int64     `json:"amount"`
		CompareAt *int64     `json:"compare_at"`
		Available int64      `json:"available"`
		Status    string     `json:"status"`
		ShipsAt   *time.Time `json:"ships_at"`
	}
	if err := json.Unmarshal(raw, &bySKU); err != nil {
		return nil, err
	}
	out := make(map[string]app.Offer, len(bySKU))
	for sku, o := range bySKU {
		out[sku] = app.Offer{Price: amount(o.Amount, c), CompareAt: amount(o.CompareAt, c), Level: app.Level{Available: o.Available, Status: o.Status, ShipsAt: o.ShipsAt}}
	}
	return out, nil
}

func amount(minor *int64, c money.Currency) *money.Amount {
	if minor == nil {
		return nil
	}
	return &money.Amount{Minor: *minor, Currency: c}
}

// query is SQL with its parameters as it grows.
type query struct {
	strings.Builder
	args []any
}

// arg adds a parameter and returns its place.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *query) and(format string, args ...any) {
	q.WriteString("\n\tAND ")
	fmt.Fprintf(q, format, args...)
}

// offerSQL is what a listing tells of a product (p.id): its lowest price, with the row that it stands in, whether anything of it
// that has a price is in stock, and its SKUs.
const offerSQL = `
	SELECT b.amount, b.compare_at, b.place, array_agg(v.sku) OVER variants AS skus, bool_or(b.amount IS NOT NULL AND l.available > 0) OVER variants AS there
	FROM variants v LEFT JOIN LATERAL (` + bestPrice + `) b ON true LEFT JOIN sku_levels l ON l.sku = v.sku
	WHERE v.product_id = p.id
	WINDOW variants AS (ORDER BY v.position ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
	ORDER BY b.amount, v.position LIMIT 1`

const listSQL = `
	SELECT p.id::text, p.slug, %s, coalesce(p.brand_code, ''), p.category_code, p.image_url, (SELECT version FROM registry_version),
		o.amount, o.compare_at, coalesce(o.there, false), o.skus, %s, %s
	FROM %s
	WHERE p.status = 'published' AND o.amount IS NOT NULL`

// Where a listing begins. Sorted by popularity or age it walks the products, sorted by price the rows of prices, and takes a product
// at the row that it is sold by; either stops at the page's end. OFFSET 0 keeps that test out of the plan's arithmetic, which
// takes it for one row in all and would price every product.
const (
	fromProducts = `products p CROSS JOIN LATERAL (` + offerSQL + `) o`
	fromPrices   = `sku_prices r JOIN variants rv ON rv.sku = r.sku AND r.currency = $1 JOIN products p ON p.id = rv.product_id
	CROSS JOIN LATERAL (SELECT * FROM (` + offerSQL + `) o WHERE o.place = r.ctid OFFSET 0) o`
)

// sorts are the orders of a listing. Keys are whole numbers that a cursor can carry; ties are broken by id, the newer first when
// the order falls.
var sorts = map[string]struct{ from, amount, key, order, beyond string }{
	app.ByPopularity: {fromProducts, "o.amount", "p.popularity", "p.popularity DESC, p.id DESC", "(p.popularity, p.id) < (%[1]s, %[2]s::uuid)"},
	app.ByNewest: {fromProducts, "o.amount", "(extract(epoch FROM p.published_at) * 1000000)::bigint", "p.published_at DESC, p.id DESC",
		"(p.published_at, p.id) < (timestamptz 'epoch' + %[1]s * interval '1 microsecond', %[2]s::uuid)"},
	app.ByPriceUp:   {fromPrices, "r.amount", "r.amount", "r.amount, p.id", "r.amount >= %[1]s AND (r.amount, p.id) > (%[1]s, %[2]s::uuid)"},
	app.ByPriceDown: {fromPrices, "r.amount", "r.amount", "r.amount DESC, p.id DESC", "r.amount <= %[1]s AND (r.amount, p.id) < (%[1]s, %[2]s::uuid)"},
}

// List implements app.Shelf in one statement.
func (s *Store) List(ctx context.Context, l app.Listing) ([]app.Listed, *catalog.Registry, error) {
	q := listQuery(l)
	rows, err := s.pool.Query(ctx, q.String(), q.args...)
	if err != nil {
		return nil, nil, fmt.Errorf("list products: %w", pg.AsFault(err))
	}
	var registry int64
	listed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Listed, error) {
		var price int64
		var compare *int64
		out := app.Listed{Position: app.Position{Sort: l.Sort}}
		err := row.Scan(&out.ID, &out.Slug, &out.Title, &out.Brand, &out.Category, &out.ImageURL, &registry, &price, &compare, &out.InStock, &out.SKUs, &out.Position.Key, &out.Translated)
		out.Price, out.CompareAt, out.Position.ID = money.New(price, l.Market.Currency), amount(compare, l.Market.Currency), out.ID
		return out, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list products: %w", pg.AsFault(err))
	}
	if len(listed) == 0 {
		return nil, catalog.NewRegistry(s.language, nil, nil, nil), nil
	}
	reg, err := s.registryAt(ctx, s.pool, registry)
	return listed[:min(len(listed), l.Limit+1)], reg, err
}

func listQuery(l app.Listing) *query {
	q := &query{args: []any{string(l.Market.Currency), l.Market.Country, l.Market.Now}}
	sort := sorts[l.Sort]
	title, translated := "p.title", "false"
	if l.Market.Language != "" {
		language, _, _ := strings.Cut(l.Market.Language, "-")
		titles := fmt.Sprintf("p.titles ->> %s, p.titles ->> %s", q.arg(l.Market.Language), q.arg(language))
		title, translated = "coalesce("+titles+", p.title)", "coalesce("+titles+") IS NOT NULL"
	}
	fmt.Fprintf(q, listSQL, title, sort.key, translated, sort.from)
	if l.Categories != nil {
		q.and("p.category_code = ANY (%s::text[])", q.arg(l.Categories))
	}
	if l.Brand != "" {
		q.and("p.brand_code = %s", q.arg(l.Brand))
	}
	for _, word := range l.Words {
		q.and(title+" ILIKE %s", q.arg("%"+likeEscape.Replace(word)+"%"))
	}
	if l.Min != nil {
		q.and("%s >= %s", sort.amount, q.arg(*l.Min))
	}
	if l.Max != nil {
		q.and("%s <= %s", sort.amount, q.arg(*l.Max))
	}
	if l.InStock {
		q.and("o.there")
	}
	for _, code := range slices.Sorted(maps.Keys(l.Attributes)) {
		var any []string
		for _, v := range l.Attributes[code] {
			any = append(any, asJSON(map[string]json.RawMessage{code: v}, "{}"))
		}
		at := q.arg(any)
		q.and("(p.attributes @> ANY (%[1]s::jsonb[]) OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.attributes @> ANY (%[1]s::jsonb[])))", at)
	}
	if l.After != nil {
		q.and(sort.beyond, q.arg(l.After.Key), q.arg(l.After.ID))
	}
	fmt.Fprintf(q, "\n\tORDER BY %s LIMIT %d", sort.order, readLength(l.Limit+1))
	return q
}

// readLength is how many rows are read for n. It stands in the statement itself: of a limit that it does not know Postgres thinks a
// tenth of all, and never keeps the plan; few lengths, because each is a plan to keep in every connection.
func readLength(n int) int {
	lengths := [...]int{5, 13, 25, 49, 101} // 101: the longest page, and one more
	for _, length := range lengths {
		if n <= length {
			return length
		}
	}
	return n
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Sellables implements app.Shelf in one statement.
func (s *Store) Sellables(ctx context.Context, skus []string) (map[string]catalog.Record, *catalog.Registry, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT array_agg(v.sku), p.id::text, p.version, p.doc, p.content_hash, (SELECT version FROM registry_version)
		FROM variants v JOIN products p ON p.id = v.product_id WHERE v.sku = ANY ($1) GROUP BY p.id`, skus)
	if err != nil {
		return nil, nil, fmt.Errorf("sellables: %w", pg.AsFault(err))
	}
	var id string
	var version, registry int64
	var doc, hash []byte
	var of []string
	found := map[string]catalog.Record{}
	_, err = pgx.ForEachRow(rows, []any{&of, &id, &version, &doc, &hash, &registry}, func() error {
		r, err := record(id, version, doc, hash)
		for _, sku := range of {
			found[sku] = r
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sellables: %w", pg.AsFault(err))
	}
	if len(found) == 0 {
		return found, catalog.NewRegistry(s.language, nil, nil, nil), nil
	}
	reg, err := s.registryAt(ctx, s.pool, registry)
	return found, reg, err
}
