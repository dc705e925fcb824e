package app

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
)

const (
	tokenTTL    = 60 * time.Second // of what a key is swapped for
	tokenReuse  = 20 * time.Second // how long one token is handed out; it then lives for another 40 s
	keysRecheck = 2 * time.Second
)

// Key is one entry of the file of API keys.
type Key struct {
	ID     string   `json:"id"`     // the middle of sk_<id>_<secret>
	SHA256 string   `json:"sha256"` // of the whole key, hex
	Name   string   `json:"name"`   // for people
	Scopes []string `json:"scopes"`
}

// Keys swaps API keys for tokens. The file is looked at every two seconds at most, when a key comes, and read again when it has
// changed; one that cannot be read is reported and leaves the last good keys in force. It is safe for use by many.
type Keys struct {
	path   string
	signer *auth.Signer
	log    *slog.Logger
	now    func() time.Time
	known  atomic.Pointer[map[string]*entry]
	mu     sync.Mutex // of the look at the file
	looked time.Time
	stamp  string
}

type entry struct {
	hash      [32]byte
	principal auth.Principal
	mu        sync.Mutex
	token     string
	minted    time.Time
}

// OpenKeys reads the file of keys and signs with signer.
func OpenKeys(path string, signer *auth.Signer, now func() time.Time, log *slog.Logger) (*Keys, error) {
	k := &Keys{path: path, signer: signer, now: now, log: log, stamp: stampOf(path), looked: now()}
	known, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	k.known.Store(&known)
	return k, nil
}

// Swap returns the bearer token that stands for an API key. Every failure to recognise the key is the same fault.
func (k *Keys) Swap(plain string) (string, error) {
	id, hash, err := auth.ParseKey(plain)
	if err != nil {
		return "", err
	}
	k.refresh()
	e := (*k.known.Load())[id]
	if e == nil || !auth.SameHash(e.hash, hash) {
		return "", auth.InvalidKey()
	}
	return e.bearer(k.signer, k.now())
}

func (e *entry) bearer(signer *auth.Signer, now time.Time) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := now.Sub(e.minted); e.token != "" && age >= 0 && age < tokenReuse {
		return e.token, nil
	}
	token, err := signer.Mint(e.principal, tokenTTL, now)
	if err != nil {
		return "", fmt.Errorf("API key %s: %w", e.principal.Subject, err)
	}
	e.token, e.minted = token, now
	return token, nil
}

// refresh takes over a changed file; callers that come while another looks go on with the keys that are there.
func (k *Keys) refresh() {
	if !k.mu.TryLock() {
		return
	}
	defer k.mu.Unlock()
	now := k.now()
	if age := now.Sub(k.looked); age >= 0 && age < keysRecheck {
		return
	}
	k.looked = now
	stamp := stampOf(k.path)
	if stamp == k.stamp {
		return
	}
	k.stamp = stamp
	known, err := readKeys(k.path)
	if err != nil {
		k.log.Error("API keys are stale", "error", err)
		return
	}
	k.known.Store(&known)
	k.log.Info("API keys changed", "keys", len(known))
}

func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// readKeys reads a file of keys and reports all its faults at once.
func readKeys(path string) (map[string]*entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	var list []Key
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&list); err == nil && decoder.More() {
		err = errors.New("something follows the list")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read API keys: %s: %w", path, err)
	}
	known := make(map[string]*entry, len(list))
	var faults []error
	for i, key := range list {
		e, err := key.entry()
		if err == nil && known[key.ID] != nil {
			err = errors.New("its id stands twice")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: key %d (%.40q): %w", path, i, key.ID, err))
			continue
		}
		known[key.ID] = e
	}
	return known, errors.Join(faults...)
}

func (k Key) entry() (*entry, error) {
	e := &entry{principal: auth.Principal{Subject: k.ID, Kind: auth.KindKey, Scopes: k.Scopes}}
	hash, err := hex.DecodeString(k.SHA256)
	switch {
	case k.ID == "":
		return nil, errors.New("it has no id")
	case err != nil || len(hash) != len(e.hash):
		return nil, errors.New("its sha256 is not 64 hex digits")
	}
	for _, scope := range k.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
			return nil, fmt.Errorf("unusable scope %.40q", scope)
		}
	}
	copy(e.hash[:], hash)
	return e, nil
}
