package importer

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// there reads what the shop has: names of brands, and categories, by code.
func (r *run) there(ctx context.Context) (map[string]string, map[string]catalogapi.CategoryInput, error) {
	var brands struct {
		Items []struct {
			Code string `json:"code"`
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := r.Staff.Get(ctx, "/v1/admin/brands", &brands); err != nil {
		return nil, nil, err
	}
	names := map[string]string{}
	for _, b := range brands.Items {
		names[b.Code] = b.Name
	}
	var tree struct {
		Items []struct {
			Code string `json:"code"`
			catalogapi.CategoryInput
		} `json:"items"`
	}
	if err := r.Staff.Get(ctx, "/v1/admin/categories", &tree); err != nil {
		return nil, nil, err
	}
	categories := map[string]catalogapi.CategoryInput{}
	for _, c := range tree.Items {
		categories[c.Code] = c.CategoryInput
	}
	return names, categories, nil
}

// prepare makes the brands and categories that the file needs. A category that is there stays as staff left it; rules for mapped
// attributes are all that it may gain.
func (r *run) prepare(ctx context.Context) error {
	before, categories, err := r.there(ctx)
	if err != nil {
		return err
	}
	r.names = newNames(r.Mapping.Source, before)
	if err := r.each(func(*item) error { r.total++; return ctx.Err() }); err != nil {
		return err
	}
	var calls [][]func() error
	add := func(level int, path string, in any) {
		for len(calls) <= level {
			calls = append(calls, nil)
		}
		calls[level] = append(calls[level], func() error { return r.Staff.Put(ctx, path, in, nil) })
	}
	for code, name := range r.names.brands {
		if _, there := before[code]; !there {
			add(0, "/v1/admin/brands/"+url.PathEscape(code), catalogapi.BrandInput{Name: name})
			r.report.Brands++
		}
	}
	for i, c := range r.names.categories {
		in, there := categories[c.code]
		missing := r.rules(c, in.Attributes)
		if there && len(missing) == 0 {
			continue
		}
		if !there {
			in = catalogapi.CategoryInput{Name: c.name, Slug: c.slug, ParentCode: c.parent, Position: i}
			r.report.Categories++
		}
		in.Attributes = append(in.Attributes, missing...)
		add(c.depth, "/v1/admin/categories/"+url.PathEscape(c.code), in)
	}
	for _, level := range calls {
		g, _ := errgroup.WithContext(ctx)
		g.SetLimit(parallel)
		for _, call := range level {
			g.Go(call)
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// rules lets the mapped attributes stand on products of the import's own categories, beside the rules that a category has.
func (r *run) rules(c category, have []catalogapi.CategoryAttribute) (missing []catalogapi.CategoryAttribute) {
	if c.depth > 0 {
		return nil // they apply downwards
	}
	for _, code := range slices.Sorted(maps.Keys(r.Mapping.Attributes)) {
		if !slices.ContainsFunc(have, func(a catalogapi.CategoryAttribute) bool { return a.Code == code }) {
			missing = append(missing, catalogapi.CategoryAttribute{Code: code, Filterable: true})
		}
	}
	return missing
}
