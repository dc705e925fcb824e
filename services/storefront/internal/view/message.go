package view

import "github.com/sidecart/sidecart/services/catalog/catalogapi"

// MessageModel is what a page says instead of what was asked for.
type MessageModel struct {
	Icon, Title, Hint string
	Again             bool   // trying again may help
	Reference         string // of the request, for who asks us about it
	Products          []catalogapi.ProductSummary
}
