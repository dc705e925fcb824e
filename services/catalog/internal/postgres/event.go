package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// changed is the event that carries a product as others replicate it.
func changed(reg *catalog.Registry, r *catalog.Record, at time.Time) outbox.Event {
	return outbox.Event{Topic: catalogapi.Topic, Type: catalogapi.TypeProductChangedV1, Subject: r.ID, Time: at, Data: told(reg, r, at)}
}

func told(reg *catalog.Registry, r *catalog.Record, at time.Time) catalogapi.ProductChangedV1 {
	p := &r.Product
	data := catalogapi.ProductChangedV1{
		ProductID: r.ID, Version: r.Version, Status: p.Status, Slug: p.Slug, Title: p.Title, Description: p.Description,
		Brand: reg.BrandName(p), BrandCode: p.Brand, CategoryPath: []catalogapi.CategoryRefV1{}, TaxCategory: p.TaxCategory, ImageURL: p.Image(),
		Popularity: p.Popularity, Attributes: attributes(reg, p.Category, p.Values), ChangedAt: at,
		Variants: make([]catalogapi.VariantV1, len(p.Variants)),
	}
	if !r.Published.IsZero() {
		data.PublishedAt = &r.Published
	}
	for _, rule := range reg.Rules(p.Category) {
		if rule.Filterable {
			data.Filterable = append(data.Filterable, rule.Code)
		}
		if rule.Searchable {
			data.Searchable = append(data.Searchable, rule.Code)
		}
	}
	for _, c := range reg.Path(p.Category) {
		data.CategoryPath = append(data.CategoryPath, catalogapi.CategoryRefV1{Code: c.Code, Name: c.Name, Slug: c.Slug})
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		data.Variants[i] = catalogapi.VariantV1{SKU: v.SKU, Title: reg.TitleOf(p, v), ImageURL: p.ImageOf(v), WeightGrams: v.WeightGrams,
			Attributes: attributes(reg, p.Category, v.Values)}
	}
	data.Translations = translations(reg, p)
	return data
}

// translations are what of a product reads differently in the languages that it or the registry has.
func translations(reg *catalog.Registry, p *catalog.Product) map[string]catalogapi.TranslationV1 {
	languages := map[string]bool{}
	for _, language := range reg.Languages() {
		languages[language] = true
	}
	for _, texts := range []catalog.Texts{p.Titles, p.Descriptions} {
		for language := range texts {
			languages[language] = true
		}
	}
	for _, texts := range p.Texts {
		for language := range texts {
			languages[language] = true
		}
	}
	var out map[string]catalogapi.TranslationV1
	for language := range languages {
		t := catalogapi.TranslationV1{Title: p.Titles.In(language, ""), Description: p.Descriptions.In(language, "")}
		in := reg.In(language)
		for _, c := range reg.Path(p.Category) {
			differs(&t.Categories, c.Code, c.Name, in.Categories[c.Code].Name)
		}
		say := func(own string) string { return p.Texts[own].In(language, own) }
		values(&t, reg, in, p.Category, p.Values, say)
		for i := range p.Variants {
			values(&t, reg, in, p.Category, p.Variants[i].Values, say)
		}
		if t.Title == "" && t.Description == "" && t.Categories == nil && t.Labels == nil && t.Values == nil {
			continue
		}
		if out == nil {
			out = map[string]catalogapi.TranslationV1{}
		}
		out[language] = t
	}
	return out
}

// values notes what of values reads differently in a language; say says texts in it.
func values(t *catalogapi.TranslationV1, reg, in *catalog.Registry, category string, all catalog.Values, say func(own string) string) {
	translated := in.Show(category, all)
	for i, own := range reg.Show(category, all) {
		differs(&t.Labels, own.Code, own.Label, translated[i].Label)
		a, b := reg.Attributes[own.Code], in.Attributes[own.Code]
		for _, term := range a.Terms(own.Value) {
			of := t.Values[own.Code]
			text := b.Say(term)
			if a.Type == catalog.Text {
				text = say(term)
			}
			if differs(&of, term, a.Say(term), text); of == nil {
				continue
			}
			if t.Values == nil {
				t.Values = map[string]map[string]string{}
			}
			t.Values[own.Code] = of
		}
	}
}

func differs(into *map[string]string, key, own, translated string) {
	if own == translated {
		return
	}
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[key] = translated
}

// maxTold bounds a page, in bytes of the documents of its products: what is told is about as long again, and a sidecar takes 4 MiB.
const maxTold = 1 << 20

// Told lists products by id with the sequence of what was told of each last and a digest of what that was, and with whole all of it: one
// statement, so both are of one moment. A registry that has changed since is told of in events of its own.
func (s *Store) Told(ctx context.Context, after string, limit int, whole bool) (catalogapi.Told, error) {
	out := catalogapi.Told{Items: []catalogapi.ToldProduct{}}
	if after == "" {
		after = uuid.Nil.String()
	}
	rows, err := s.pool.Query(ctx, `
		SELECT p.id::text, p.version, p.doc, p.content_hash, p.published_at, p.updated_at, s.last, (SELECT version FROM registry_version)
		FROM products p JOIN outbox_sequences s ON s.topic = $3 AND s.subject = p.id::text
		WHERE p.id > $1::uuid ORDER BY p.id LIMIT $2`, after, limit+1, catalogapi.Topic)
	if err != nil {
		return out, fmt.Errorf("told products: %w", pg.AsFault(err))
	}
	defer rows.Close()
	var records []catalog.Record
	var updated []time.Time
	var version int64
	size := 0
	for rows.Next() {
		if len(out.Items) == limit || size > maxTold {
			out.Next = out.Items[len(out.Items)-1].ID
			break
		}
		var r catalog.Record
		var doc, hash []byte
		var published *time.Time
		var at time.Time
		var sequence int64
		if err := rows.Scan(&r.ID, &r.Version, &doc, &hash, &published, &at, &sequence, &version); err != nil {
			return out, fmt.Errorf("told products: %w", err)
		}
		if r, err = record(r.ID, r.Version, doc, hash); err != nil {
			return out, err
		}
		if published != nil {
			r.Published = published.UTC()
		}
		size += len(doc)
		records, updated = append(records, r), append(updated, at.UTC())
		out.Items = append(out.Items, catalogapi.ToldProduct{ID: r.ID, Sequence: sequence})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return out, fmt.Errorf("told products: %w", pg.AsFault(err))
	}
	if len(records) == 0 {
		return out, nil
	}
	reg, err := s.registryAt(ctx, s.pool, version)
	if err != nil {
		return out, err
	}
	for i := range records {
		data := told(reg, &records[i], updated[i])
		data.Sequence = out.Items[i].Sequence
		if out.Items[i].Digest = data.Digest(); whole {
			out.Items[i].Product = &data
		}
	}
	return out, nil
}

func attributes(reg *catalog.Registry, category string, values catalog.Values) (out []catalogapi.AttributeValue) {
	for _, s := range reg.Show(category, values) {
		out = append(out, catalogapi.AttributeValue(s))
	}
	return out
}
