package relevance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// BestFieldsOpenSearch is what OpenSearch does by itself: multi_match best_fields, by its analyser of the language.
type BestFieldsOpenSearch struct{ index string }

type object = map[string]any

// NewBestFieldsOpenSearch fills an index at its address, "http://127.0.0.1:9200/name".
func NewBestFieldsOpenSearch(ctx context.Context, index string, products []*Product) (*BestFieldsOpenSearch, error) {
	b := &BestFieldsOpenSearch{index}
	properties := object{}
	for _, language := range languages {
		fields := object{}
		for field := range weights {
			fields[field] = object{"type": "text", "analyzer": map[string]string{"en": "english", "de": "german"}[language]}
		}
		properties[language] = object{"properties": fields}
	}
	mapping, err := json.Marshal(object{"settings": object{"number_of_shards": 1, "number_of_replicas": 0}, "mappings": object{"properties": properties}})
	if err != nil {
		return nil, err
	}
	if err := b.ask(ctx, http.MethodPut, "", mapping, nil); err != nil {
		return nil, err
	}
	var bulk bytes.Buffer
	lines := json.NewEncoder(&bulk)
	for _, p := range products {
		d := object{}
		for _, language := range languages {
			d[language] = p.texts(language)
		}
		if err := lines.Encode(object{"index": object{"_id": p.ID}}); err != nil {
			return nil, err
		}
		if err := lines.Encode(d); err != nil {
			return nil, err
		}
	}
	var done struct{ Errors bool }
	if err := b.ask(ctx, http.MethodPost, "/_bulk?refresh=true", bulk.Bytes(), &done); err != nil {
		return nil, err
	}
	if done.Errors {
		return nil, fmt.Errorf("%s refuses products", index)
	}
	return b, nil
}

// Search implements Engine.
func (b *BestFieldsOpenSearch) Search(ctx context.Context, text, language string) (ids []string, err error) {
	var fields []string
	for field, weight := range weights {
		fields = append(fields, fmt.Sprintf("%s.%s^%v", cmp.Or(language, Own), field, weight))
	}
	q, err := json.Marshal(object{"size": Deep, "_source": false, "query": object{"multi_match": object{"query": text, "type": "best_fields", "fields": fields}}})
	if err != nil {
		return nil, err
	}
	var found struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	if err := b.ask(ctx, http.MethodPost, "/_search", q, &found); err != nil {
		return nil, err
	}
	for _, h := range found.Hits.Hits {
		ids = append(ids, h.ID)
	}
	return ids, nil
}

// Remove deletes the index.
func (b *BestFieldsOpenSearch) Remove(ctx context.Context) error {
	return b.ask(ctx, http.MethodDelete, "", nil, nil)
}

func (b *BestFieldsOpenSearch) ask(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, b.index+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, res.Status, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}
