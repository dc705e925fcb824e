// Package opensearch keeps search's index in an OpenSearch cluster: the adapter for several replicas of search that share an index, and for
// more products than fit into memory.
//
// An index is one of OpenSearch's, of one shard, so that a search sees a batch whole or not at all. Its name has the form of documents in it,
// and an alias tells which one is read. What words are found by is worked out here (package grammar), as for every index: OpenSearch
// cuts texts at their spaces and does nothing else. Scores are constants of ours as well, so that products rank as in any other index.
//
//	prefix-form          alias of the index that is read
//	prefix-form-4f0c…    an index; its _meta says of which epoch it is, its document "state" how far it has come
//	prefix-form-4f0c….w  the alias by which it is written: an index that was deleted is not made again by a write
//
// A product is a document with nested offers: a variant and what it costs, with the markets where it does. All that can be filtered by is in
// each offer, so that a filter means one variant; values of the product are counted by the document, those of variants by its offers.
package opensearch
