// Package storefront is the core of the shop's pages: which market an address is of, what a listing's address says, and what the
// cookies of a browser hold. It is pure; what is asked of the services, and how it is shown, is decided around it.
//
// What comes from an address or a cookie is anybody's: what cannot be is dropped or refused here, and nowhere else.
package storefront
