//go:build opensearch

package testenv_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/testenv"
)

// A server is there as long as the command runs, and no longer.
func TestOpenSearchForACommand(t *testing.T) {
	stdin, end := io.Pipe()
	said, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := testenv.Run(t.Context(), testenv.Options{
			Command: []string{"sh", "-c", "echo $" + testenv.OpenSearch + "; read line"}, OpenSearch: true,
			Stdin: stdin, Stdout: stdout, Stderr: os.Stderr,
		})
		_ = stdout.CloseWithError(io.EOF)
		ended <- err
	}()
	url, _ := bufio.NewReader(said).ReadString('\n')
	url = strings.TrimSpace(url)
	res, err := http.Get(url)
	if err != nil {
		t.Error(err)
	} else if res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	_, _ = io.WriteString(end, "\n")
	_ = end.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if res, err := http.Get(url); err == nil {
		res.Body.Close()
		t.Errorf("%s still answers", url)
	}
}
