package relevance

import (
	"cmp"
	"context"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/lang/de"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/search/query"
)

// BestFieldsBleve is what bleve does by itself: any of the words in any of the fields, by its analyser of the language and its own scores.
type BestFieldsBleve struct{ index bleve.Index }

// NewBestFieldsBleve fills an index in memory.
func NewBestFieldsBleve(products []*Product) (*BestFieldsBleve, error) {
	mapping := bleve.NewIndexMapping()
	analysers := map[string]string{"en": en.AnalyzerName, "de": de.AnalyzerName}
	for _, language := range languages {
		of := bleve.NewDocumentMapping()
		for field := range weights {
			text := bleve.NewTextFieldMapping()
			text.Analyzer = analysers[language]
			of.AddFieldMappingsAt(field, text)
		}
		mapping.DefaultMapping.AddSubDocumentMapping(language, of)
	}
	index, err := bleve.NewMemOnly(mapping)
	if err != nil {
		return nil, err
	}
	batch := index.NewBatch()
	for _, p := range products {
		d := map[string]any{}
		for _, language := range languages {
			d[language] = p.texts(language)
		}
		if err := batch.Index(p.ID, d); err != nil {
			return nil, err
		}
	}
	return &BestFieldsBleve{index}, index.Batch(batch)
}

// Search implements Engine.
func (b *BestFieldsBleve) Search(ctx context.Context, text, language string) (ids []string, err error) {
	any := query.NewDisjunctionQuery(nil)
	for field, weight := range weights {
		q := bleve.NewMatchQuery(text)
		q.SetField(cmp.Or(language, Own) + "." + field)
		q.SetBoost(weight)
		any.AddQuery(q)
	}
	found, err := b.index.SearchInContext(ctx, bleve.NewSearchRequestOptions(any, Deep, 0, false))
	if err != nil {
		return nil, err
	}
	for _, h := range found.Hits {
		ids = append(ids, h.ID)
	}
	return ids, nil
}

// Close lets go of the index.
func (b *BestFieldsBleve) Close() error { return b.index.Close() }
