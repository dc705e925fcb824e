// Package bleveindex is the embedded index: a folder of bleve's that one process has, and what of it is kept in memory.
//
//	Write ──► bleve (texts → words, documents; on disk when Write returns) ──► the next snapshot
//	                                                                             │ bleve's segments: which documents have a word
//	Search ──► the present snapshot ◄────────────────────────────────────────────┘ columns: what filters, facets, orders read
//
// bleve reads texts, finds words and keeps everything safe; its scores are not used, for ours do not depend on what else is in the index.
// Filters, facets and orders go over rows in memory, which are made of the stored documents when the index is opened. A snapshot never
// changes, and readers take no lock: whoever has begun on one ends on it.
//
// What may go wrong: a crash loses what Write had not confirmed, and leaves the folder of an unfinished index, which the next Create
// removes. An index of another form is not read; it is made again, as one whose folder was lost.
package bleveindex
