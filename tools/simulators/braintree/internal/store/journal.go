package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// ErrCorrupt says that the journal is damaged in its middle; the message names the file and the offset.
var ErrCorrupt = errors.New("journal is corrupt")

const (
	journalName = "journal.ndjson"
	rewriteName = "journal.rewrite"
	sumDigits   = 8
	// compactAbove is the number of superseded lines from which a start rewrites the journal.
	compactAbove = 10_000
)

// encode makes a journal line: eight hex digits of CRC-32, a blank, the records as JSON, a newline.
func encode(records []ledger.Record) ([]byte, error) {
	body, err := json.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("encode journal line: %w", err)
	}
	return fmt.Appendf(make([]byte, 0, len(body)+sumDigits+2), "%0*x %s\n", sumDigits, crc32.ChecksumIEEE(body), body), nil
}

func decode(line []byte) ([]ledger.Record, error) {
	sum, body, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if !ok || !bytes.HasSuffix(line, []byte("\n")) {
		return nil, ErrCorrupt
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || len(sum) != sumDigits || uint32(want) != crc32.ChecksumIEEE(body) {
		return nil, ErrCorrupt
	}
	var records []ledger.Record
	if err := json.Unmarshal(body, &records); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return records, nil
}

// replay applies every line of the journal to the book, cuts a torn tail off, and answers the number of lines.
func replay(f *os.File, book *ledger.Book) (int, error) {
	r := bufio.NewReaderSize(f, 1<<20)
	var offset int64
	for lines := 0; ; lines++ {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, fmt.Errorf("read journal: %w", err)
		}
		if len(line) == 0 {
			return lines, nil
		}
		records, bad := decode(line)
		if bad != nil {
			if _, more := r.ReadByte(); more == nil {
				return lines, fmt.Errorf("%s at byte %d: %w", f.Name(), offset, bad)
			}
			return lines, truncate(f, offset)
		}
		book.Apply(records)
		offset += int64(len(line))
	}
}

func truncate(f *os.File, at int64) error {
	if err := f.Truncate(at); err != nil {
		return fmt.Errorf("cut the journal's torn tail: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync the journal after cutting its tail: %w", err)
	}
	return nil
}

// compact writes the book's present state as a new journal and puts it in the old one's place in one rename.
func compact(dir string, book *ledger.Book) error {
	path := filepath.Join(dir, rewriteName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open journal rewrite: %w", err)
	}
	defer func() { _ = f.Close() }() // closed below where it matters
	w := bufio.NewWriterSize(f, 1<<20)
	write := func(r ledger.Record) error {
		line, err := encode([]ledger.Record{r})
		if err != nil {
			return err
		}
		_, err = w.Write(line)
		return err
	}
	for _, r := range book.Records() {
		err = errors.Join(err, write(r))
	}
	if err := errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	if err := os.Rename(path, filepath.Join(dir, journalName)); err != nil {
		return fmt.Errorf("replace journal: %w", err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open data folder: %w", err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync data folder: %w", err)
	}
	return nil
}
