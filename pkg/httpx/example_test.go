package httpx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

type renameInput struct {
	ID string `path:"id" maxLength:"32"`
	httpx.IfMatchHeader
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"80"`
	}
}

type renameOutput struct {
	httpx.ETagHeader
	Body struct {
		Name string `json:"name"`
	}
}

func Example() {
	s := httpx.New(httpx.Config{Name: "things"})
	httpx.Register(s, huma.Operation{Method: http.MethodPatch, Path: "/v1/things/{id}", Summary: "Rename a thing"},
		func(_ context.Context, in *renameInput) (*renameOutput, error) {
			version, given, err := httpx.ParseIfMatch(in.IfMatch)
			if err != nil {
				return nil, err
			}
			if given && version != 12 {
				return nil, fault.New(fault.Precondition, "version-conflict", "the thing has changed")
			}
			out := &renameOutput{ETagHeader: httpx.ETag(13)}
			out.Body.Name = in.Body.Name
			return out, nil
		})

	patch := func(tag, body string) {
		r := httptest.NewRequest(http.MethodPatch, "/v1/things/1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", tag)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 400 {
			f := httpx.ParseProblem(w.Code, w.Body.Bytes())
			fmt.Println(w.Code, f.Kind, f)
			return
		}
		fmt.Println(w.Code, w.Header().Get("ETag"), strings.TrimSpace(w.Body.String()))
	}
	patch(`"v12"`, `{"name":"box"}`)
	patch(`"v11"`, `{"name":"box"}`)
	patch(`"v12"`, `{"title":"box"}`)
	// Output:
	// 200 "v13" {"name":"box"}
	// 412 precondition version-conflict: the thing has changed
	// 422 invalid validation-failed: 2 faults in the input
}
