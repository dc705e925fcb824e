package postgres

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// takeNamesSQL takes in what the last event of a product names; what nobody translated has no row, and loses its texts where it had some.
const takeNamesSQL = `WITH named AS (
		INSERT INTO names AS n (field, value, texts)
		SELECT u.* FROM unnest($4::text[], $5::text[], $6::jsonb[]) AS u (field, value, texts)
		WHERE EXISTS (SELECT FROM inbox_sequences s WHERE s.consumer = $1 AND s.subject = $2 AND s.sequence = $3)
			AND (u.texts <> '{}' OR EXISTS (SELECT FROM names o WHERE o.field = u.field AND o.value = u.value))
		ON CONFLICT (field, value) DO UPDATE SET texts = excluded.texts WHERE n.texts <> excluded.texts
		RETURNING field
	)
	UPDATE replica SET terms = terms + 1 WHERE EXISTS (SELECT FROM named)`

// takeNames comes behind the product itself, in its transaction.
func takeNames(batch *pgx.Batch, n *app.News) {
	if !n.Product.Listed {
		return
	}
	names := n.Product.Names()
	var fields, values, texts []string
	for _, name := range slices.SortedFunc(maps.Keys(names), func(a, b search.Name) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
	}) {
		fields, values, texts = append(fields, name.Field), append(values, name.Value), append(texts, asJSON(names[name], "{}"))
	}
	batch.Queue(takeNamesSQL, app.FromCatalog, n.Subject, n.Sequence, fields, values, texts)
}

// readNames reads all names into t.
func readNames(batch *pgx.Batch, t *app.Terms) {
	batch.Queue(`SELECT field, value, texts FROM names WHERE texts <> '{}'`).Query(func(rows pgx.Rows) error {
		var name search.Name
		var texts search.Texts
		_, err := pgx.ForEachRow(rows, []any{&name.Field, &name.Value, &texts}, func() error {
			if t.Names == nil {
				t.Names = map[search.Name]search.Texts{}
			}
			t.Names[name] = texts
			texts = nil // the next one has its own
			return nil
		})
		return err
	})
}
