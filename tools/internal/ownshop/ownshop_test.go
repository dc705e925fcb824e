package ownshop

import "testing"

func TestTranscriptHearsATextInPieces(t *testing.T) {
	t.Parallel()
	tr := newTranscript("The shop serves.")
	for _, part := range []string{"1.0s  postgres\nThe shop ", "ser", "ves. Ctrl-C", "The shop serves."} {
		select {
		case <-tr.heard:
			if part != "The shop serves." {
				t.Errorf("heard before %q", part)
			}
		default:
		}
		if n, err := tr.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	<-tr.heard
}
