// Package relevance measures whether shoppers find what they mean, on judged sets of queries: what each of them means is said in facts of
// products, graded 3 (what was asked for), 2 (does as well), 1 (of the kind) and 0, by people who read the products and not by what a search
// returned. The sets are in judged/; how they are read stands at ParseSet. A third of the queries are held out: the search is not to be
// mended by looking at them.
//
// Measured are NDCG@10 and how many queries find nothing, of the shop as it is (app.Shop on an index) and of what an engine does by itself:
// the words anywhere in the same texts, by the language's analyser and usual weights (BestFields…). Tests hold the sample shop to floors, the command measure both sets (the electronics shop's products are not in the repository); the
// figures in docs/benchmarks.md are those of the command measure.
//
// Nothing of this is built into the service.
package relevance
