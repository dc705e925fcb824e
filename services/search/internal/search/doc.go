// Package search is the core of search: what a document is, how words are read, and the plan that an index performs. It is pure;
// documents and queries are read by the same functions, so that what was written can be found.
//
// What may go wrong: an index that was written by another version of these functions. Form names the version; an index of another
// form is built anew.
package search

// Form changes with what Words, and the fields of a document, make of a product, and with how an index keeps it.
const Form = "3"
