package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// Errors of the store as a whole.
var (
	ErrLocked = errors.New("another simulator uses this data folder")
	ErrClosed = errors.New("store is closed")
)

// Store is a Book on disk, safe for concurrent use.
type Store struct {
	log  *slog.Logger
	file *os.File
	lock *os.File

	mu      sync.Mutex // guards everything below; held for memory work only, never for disk work
	book    *ledger.Book
	pending []byte // lines that wait for the next write
	queued  uint64 // number of the youngest line
	durable uint64 // number of the youngest line on disk
	err     error  // set once: why nothing is accepted any more
	more    *sync.Cond
	synced  *sync.Cond

	writer chan struct{} // closed when the writing goroutine has ended
	failed chan struct{} // closed when the disk refused
}

// Open replays dir's journal, which is made when missing, and starts the writer.
func Open(dir string, log *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, lock: lock, book: ledger.NewBook(), writer: make(chan struct{}), failed: make(chan struct{})}
	s.more, s.synced = sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	if s.file, err = load(dir, s.book, log); err != nil {
		_ = lock.Close() // the first error tells more
		return nil, err
	}
	go s.write()
	return s, nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	}
	return f, nil
}

// load replays the journal into book and answers it open for appending, compacted when most of it is history.
func load(dir string, book *ledger.Book, log *slog.Logger) (*os.File, error) {
	f, err := openJournal(dir)
	if err != nil {
		return nil, err
	}
	lines, err := replay(f, book)
	if err == nil && lines-book.Len() > compactAbove && lines > 2*book.Len() {
		log.Info("compacting the journal", "lines", lines, "transactions", book.Len())
		if err = compact(dir, book); err == nil {
			_ = f.Close() // replaced
			f, err = openJournal(dir)
		}
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	log.Info("journal replayed", "dir", dir, "transactions", book.Len())
	return f, nil
}

func openJournal(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, journalName), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return f, nil
}

// Update lets decide look at the book and returns when the records it answers are on disk. An error of decide is returned
// as it is and nothing is written. decide must not keep the book.
func (s *Store) Update(decide func(*ledger.Book) ([]ledger.Record, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	records, err := decide(s.book)
	if err != nil || len(records) == 0 {
		return err
	}
	line, err := encode(records)
	if err != nil {
		return err
	}
	s.book.Apply(records)
	s.pending = append(s.pending, line...)
	s.queued++
	s.more.Signal()
	return s.await(s.queued)
}

// View lets look see the book and returns when all it may have seen is on disk. Transactions may be kept, the book not.
func (s *Store) View(look func(*ledger.Book)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	look(s.book)
	return s.await(s.queued)
}

// await waits, with the lock held on entry and exit, until line n is on disk.
func (s *Store) await(n uint64) error {
	for s.durable < n && s.err == nil {
		s.synced.Wait()
	}
	if s.durable >= n {
		return nil
	}
	return s.err
}

// write is the only goroutine that touches the file: it takes what waits, writes and syncs it at once, and wakes all.
func (s *Store) write() {
	defer close(s.writer)
	var batch []byte
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.pending) == 0 && s.err == nil {
			s.more.Wait()
		}
		if len(s.pending) == 0 {
			return
		}
		batch, s.pending = s.pending, batch[:0]
		upTo := s.queued
		s.mu.Unlock()
		err := s.persist(batch)
		s.mu.Lock()
		if err != nil {
			s.log.Error("the journal refuses to write; restart on a healthy disk", "error", err)
			s.err, s.pending = err, nil
			close(s.failed)
			s.synced.Broadcast()
			return
		}
		s.durable = upTo
		s.synced.Broadcast()
	}
}

func (s *Store) persist(batch []byte) error {
	if _, err := s.file.Write(batch); err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	return nil
}

// Failed is closed when the disk refused a write; Err then says why.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err is why the store accepts nothing any more, or nil.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close writes what waits and lets the folder go.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.err == nil {
		s.err = ErrClosed
	}
	s.more.Signal()
	s.mu.Unlock()
	<-s.writer
	return errors.Join(s.file.Close(), s.lock.Close())
}
