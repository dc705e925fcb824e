package opensearch

import (
	"github.com/sidecart/sidecart/services/search/internal/grammar"
)

// settings of an index. One shard that is made searchable by writes alone shows a batch whole. What was deleted is remembered for a while, so
// that a process that lags behind does not write it again. Attributes that are numbers have a field each.
var settings = object{
	"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "-1", "gc_deletes": "10m", "mapping.total_fields.limit": 10_000,
	"mapping.nested_objects.limit": 100_000, // offers of a product
}

// The fields beside those of words.
const (
	fieldID        = "id"
	fieldLanguages = "languages" // in which there are texts
	fieldFacets    = "facets"    // of the product, see facetToken
	fieldPopular   = "popular"   // what the score is multiplied by
	fieldSold      = "popularity"
	fieldRating    = "rating"
	fieldPublished = "published" // microseconds since 1970
	fieldDocument  = "document"  // all of it, as JSON
	fieldState     = "state"
	fieldRefused   = "refused" // why OpenSearch does not take the document

	offers        = "offers"
	offerMarkets  = "offers.markets"
	offerNot      = "offers.not" // countries for which the variant has another price
	offerAmount   = "offers.amount"
	offerValues   = "offers.values" // see token
	offerFacets   = "offers.facets"
	offerNumbers  = "offers.numbers" // by field
	wordsSuffix   = "_words"         // of the field with words as they are written
	maxKeyword    = 8000             // characters, of 4 bytes at most: longer ones are not indexed
	longestPrefix = 19               // characters of beginnings that are indexed
)

func mappings(m meta) object {
	properties := object{
		fieldID: keyword(true, true), fieldRefused: keyword(true, false), fieldLanguages: keyword(true, false), fieldFacets: keyword(false, true),
		fieldPopular: stored("double"), fieldSold: stored("long"), fieldRating: stored("double"), fieldPublished: stored("long"),
		offers: object{"type": "nested", "dynamic": false, "properties": object{
			"markets": keyword(true, false), "not": keyword(true, false), "amount": object{"type": "long"}, "values": keyword(true, false),
			"facets": keyword(false, true), "numbers": object{"type": "object", "dynamic": true},
		}},
	}
	for _, f := range grammar.Fields {
		textField(properties, f.Name, f.Prefixes, len("en:")+1)
	}
	textField(properties, grammar.Identifiers.Name, true, 1)
	return object{
		"_meta": m, "dynamic": false, "_source": object{"includes": []string{fieldDocument, fieldState, fieldRefused}}, "properties": properties,
		"dynamic_templates": []object{{"numbers": object{"path_match": offerNumbers + ".*", "mapping": object{"type": "double"}}}},
	}
}

func keyword(found, counted bool) object {
	return object{"type": "keyword", "index": found, "doc_values": counted, "ignore_above": maxKeyword}
}

// stored is a number that nobody looks for.
func stored(kind string) object { return object{"type": kind, "index": false} }

func textField(properties object, name string, prefixes bool, shortest int) {
	field := object{"type": "text", "analyzer": "whitespace", "norms": false}
	properties[name] = field
	if prefixes {
		properties[name+wordsSuffix] = object{"type": "text", "analyzer": "whitespace", "norms": false,
			"index_prefixes": object{"min_chars": shortest, "max_chars": longestPrefix}}
	}
}
