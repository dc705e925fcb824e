package overgrpc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// BodyLength is the header in which an app tells how many bytes its answer has when sidecars carry it in the plain way. They drop
// Content-Length, and when the app or the callee's sidecar dies in the middle they end what there is as if it were the whole.
const BodyLength = "X-Body-Length"

// Plain serves h to a sidecar over HTTP: the answer leaves when it is whole, with its length.
func Plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := recorder{header: http.Header{}}
		a.serve(h, r)
		if a.cut {
			panic(http.ErrAbortHandler)
		}
		a.finish()
		maps.Copy(w.Header(), a.sent)
		if length := a.sent.Get("Content-Length"); length != "" && r.Method != http.MethodHead {
			w.Header().Set(BodyLength, length)
		}
		w.WriteHeader(a.status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(a.body.Bytes()) // a sidecar that has gone is no news
		}
	})
}

// Whole holds an answer that came in the plain way to its length: reading it fails with io.ErrUnexpectedEOF when it broke off. An app
// that says nothing of the length is taken at its word, unless a call that changes something is answered by 200 and nothing else, which is what a
// sidecar says of an app that died before its first word: that is io.ErrUnexpectedEOF at once.
func Whole(resp *http.Response) error {
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified ||
		resp.Request != nil && resp.Request.Method == http.MethodHead { // these have no body, whatever is said of it
		return nil
	}
	length, err := strconv.ParseInt(resp.Header.Get(BodyLength), 10, 64)
	if err != nil || length < 0 {
		if resp.StatusCode != http.StatusOK || resp.Request == nil || resp.Request.Method == http.MethodGet { // what is read can be asked for again
			return nil
		}
		body := bufio.NewReader(resp.Body)
		if _, err := body.Peek(1); errors.Is(err, io.EOF) {
			return fmt.Errorf("overgrpc: the answer broke off before its first byte: %w", io.ErrUnexpectedEOF)
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{body, resp.Body}
		return nil
	}
	resp.Header.Del(BodyLength)
	resp.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	resp.ContentLength = length
	resp.Body = &measured{ReadCloser: resp.Body, left: length}
	return nil
}

type measured struct {
	io.ReadCloser
	left int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.left -= int64(n)
	if errors.Is(err, io.EOF) && m.left != 0 {
		err = fmt.Errorf("overgrpc: the answer broke off, %d bytes early: %w", m.left, io.ErrUnexpectedEOF)
	}
	return n, err
}
