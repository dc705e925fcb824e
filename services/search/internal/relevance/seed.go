package relevance

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// Seed is the variable that names the folder with what the sample shop is seeded with; `bin/sidecart testenv` sets it.
const Seed = "SIDECART_TEST_SHOP"

//go:embed judged/*.json
var shops embed.FS

// ReadSeed reads the products and synonyms of the sample shop.
func ReadSeed(dir string) (products []*Product, synonyms []search.Synonym, err error) {
	if dir == "" {
		return nil, nil, errors.New(Seed + " is not set: run it by `bin/sidecart testenv --dapr=false -- …`")
	}
	f, err := os.Open(filepath.Join(dir, "products.jsonl"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	if products, err = ReadTold(f); err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "synonyms.json"))
	if err != nil {
		return nil, nil, err
	}
	synonyms, err = readSynonyms(raw)
	return products, synonyms, err
}

// ElectronicsSynonyms are what a shop of phones would have.
func ElectronicsSynonyms() ([]search.Synonym, error) {
	raw, err := shops.ReadFile("judged/electronics.json")
	if err != nil {
		return nil, err
	}
	return readSynonyms(raw)
}

// readSynonyms reads them as staff write them, by id.
func readSynonyms(raw []byte) (all []search.Synonym, err error) {
	var inputs map[string]searchapi.SynonymInput
	if err := json.Unmarshal(raw, &inputs); err != nil {
		return nil, fmt.Errorf("synonyms: %w", err)
	}
	for id, in := range inputs {
		all = append(all, search.Synonym{ID: id, Language: in.Language, Words: in.Words, To: in.To})
	}
	return all, search.CheckSynonyms(all)
}
