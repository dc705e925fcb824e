package httpapi

import (
	"context"
	"maps"
	"slices"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// CodeParam is embedded by what names a code; huma reads exported embedded structs only.
type CodeParam struct {
	Code string `path:"code" maxLength:"64"`
}

// texts are nil where there are none, as they are when they are read again.
func texts(all map[string]string) catalog.Texts {
	if len(all) == 0 {
		return nil
	}
	return all
}

type putAttributeInput struct {
	CodeParam
	Body catalogapi.AttributeInput
}

func (a *api) putAttribute(ctx context.Context, in *putAttributeInput) (*struct{}, error) {
	b := in.Body
	attr := catalog.Attribute{Code: in.Code, Label: b.Label, Labels: texts(b.Labels), Type: b.Type, Unit: b.Unit}
	for _, v := range b.Values {
		attr.Choices = append(attr.Choices, catalog.Choice{Value: v.Value, Label: v.Label, Labels: texts(v.Labels), Hex: v.Hex})
	}
	if b.Min != nil {
		attr.Min = *b.Min
	}
	if b.Max != nil {
		attr.Max = *b.Max
	}
	return nil, a.staff.PutAttribute(ctx, auth.Actor(ctx), attr)
}

// AttributeView is an attribute as staff see it.
type AttributeView struct {
	Code string `json:"code"`
	catalogapi.AttributeInput
}

func attributeView(a catalog.Attribute) AttributeView {
	v := AttributeView{Code: a.Code}
	v.Label, v.Labels, v.Type, v.Unit = a.Label, a.Labels, a.Type, a.Unit
	for _, c := range a.Choices {
		v.Values = append(v.Values, catalogapi.EnumValue{Value: c.Value, Label: c.Label, Labels: c.Labels, Hex: c.Hex})
	}
	if a.Min != "" {
		v.Min = &a.Min
	}
	if a.Max != "" {
		v.Max = &a.Max
	}
	return v
}

func (a *api) attribute(ctx context.Context, in *CodeParam) (*httpx.Body[AttributeView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	found, ok := reg.Attributes[in.Code]
	if !ok {
		return nil, app.ErrAttributeNotFound
	}
	return &httpx.Body[AttributeView]{Body: attributeView(found)}, nil
}

func (a *api) attributes(ctx context.Context, _ *struct{}) (*httpx.List[AttributeView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return httpx.ListOf(views(reg.Attributes, attributeView)), nil
}

// views maps the values of m in the order of their codes.
func views[T, V any](m map[string]T, view func(T) V) (all []V) {
	for _, code := range slices.Sorted(maps.Keys(m)) {
		all = append(all, view(m[code]))
	}
	return all
}

type putCategoryInput struct {
	CodeParam
	Body catalogapi.CategoryInput
}

func (a *api) putCategory(ctx context.Context, in *putCategoryInput) (*struct{}, error) {
	b := in.Body
	cat := catalog.Category{Code: in.Code, Name: b.Name, Names: texts(b.Names), Slug: b.Slug, Parent: b.ParentCode, Position: b.Position}
	for _, r := range b.Attributes {
		cat.Rules = append(cat.Rules, catalog.Rule(r))
	}
	return nil, a.staff.PutCategory(ctx, auth.Actor(ctx), cat)
}

// CategoryView is a category as staff see it.
type CategoryView struct {
	Code string `json:"code"`
	catalogapi.CategoryInput
}

func categoryView(c catalog.Category) CategoryView {
	v := CategoryView{Code: c.Code}
	v.Name, v.Names, v.Slug, v.ParentCode, v.Position = c.Name, c.Names, c.Slug, c.Parent, c.Position
	for _, r := range c.Rules {
		v.Attributes = append(v.Attributes, catalogapi.CategoryAttribute(r))
	}
	return v
}

func (a *api) category(ctx context.Context, in *CodeParam) (*httpx.Body[CategoryView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	found, ok := reg.Categories[in.Code]
	if !ok {
		return nil, app.ErrCategoryNotFound
	}
	return &httpx.Body[CategoryView]{Body: categoryView(found)}, nil
}

func (a *api) categories(ctx context.Context, _ *struct{}) (*httpx.List[CategoryView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return httpx.ListOf(views(reg.Categories, categoryView)), nil
}

type putBrandInput struct {
	CodeParam
	Body catalogapi.BrandInput
}

func (a *api) putBrand(ctx context.Context, in *putBrandInput) (*struct{}, error) {
	return nil, a.staff.PutBrand(ctx, auth.Actor(ctx), catalog.Brand{Code: in.Code, Name: in.Body.Name})
}

// BrandView is a brand as staff see it.
type BrandView struct {
	Code string `json:"code"`
	catalogapi.BrandInput
}

func brandView(b catalog.Brand) BrandView {
	return BrandView{Code: b.Code, BrandInput: catalogapi.BrandInput{Name: b.Name}}
}

func (a *api) brand(ctx context.Context, in *CodeParam) (*httpx.Body[BrandView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	found, ok := reg.Brands[in.Code]
	if !ok {
		return nil, app.ErrBrandNotFound
	}
	return &httpx.Body[BrandView]{Body: brandView(found)}, nil
}

func (a *api) brands(ctx context.Context, _ *struct{}) (*httpx.List[BrandView], error) {
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return httpx.ListOf(views(reg.Brands, brandView)), nil
}
