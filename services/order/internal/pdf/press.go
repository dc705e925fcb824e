package pdf

import (
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sidecart/sidecart/services/order/internal/app"
)

// keptDocuments is how many drawn documents a press keeps: some 10 MB.
const keptDocuments = 256

// Press draws documents and keeps the last ones: most of a drawing's time goes into reading the fonts, and whoever looks at a document
// looks again. Several goroutines may use it.
type Press struct {
	drawn *lru.Cache[[sha256.Size]byte, []byte]
}

// NewPress returns an empty press.
func NewPress() *Press {
	drawn, err := lru.New[[sha256.Size]byte, []byte](keptDocuments)
	if err != nil {
		panic(err) // the size is above zero
	}
	return &Press{drawn: drawn}
}

// Draw returns a sheet as PDF. The bytes are shared: leave them as they are.
func (p *Press) Draw(s app.Sheet) ([]byte, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%#v", s))
	if data, ok := p.drawn.Get(key); ok {
		return data, nil
	}
	data, err := Draw(s)
	if err == nil {
		p.drawn.Add(key, data)
	}
	return data, err
}
