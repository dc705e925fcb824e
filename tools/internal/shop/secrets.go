package shop

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
)

// StaffScopes is what the local staff token and the local API key may do: everything. "<service>:read" and ":write" are
// the scopes that the services' OpenAPI documents name.
func (m Manifest) StaffScopes() []string {
	var scopes []string
	for _, a := range m.Apps {
		scopes = append(scopes, a.AppID+":read", a.AppID+":write")
	}
	return scopes
}

// Secrets are made once per shop and kept in its keys folder, readable by the owner alone.
type Secrets struct {
	DaprAPIToken string `json:"dapr_api_token"` // app to its sidecar
	AppAPIToken  string `json:"app_api_token"`  // sidecar to its app
	APIKey       string `json:"api_key"`        // a public API key with all scopes, for the person at this machine
	Servers      string `json:"servers"`        // password of the private Redis and Kafka
}

// simulatorKeys are the published default keys of the payment simulator, where no money moves.
const simulatorKeys = "sidecart_public:sidecart_private"

// SimulatorKeys returns the keys of the payment simulator.
func SimulatorKeys() (public, private string) {
	public, private, _ = strings.Cut(simulatorKeys, ":")
	return public, private
}

// apiKey is one entry of the gateway's key file.
type apiKey struct {
	ID     string   `json:"id"`
	SHA256 string   `json:"sha256"` // hex
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

func (l Layout) secretsFile() string { return filepath.Join(l.Keys(), "shop.json") }

// SigningKey is the file of the key that signs tokens.
func (l Layout) SigningKey() string  { return filepath.Join(l.Keys(), "signing-key.json") }
func (l Layout) jwks() string        { return filepath.Join(l.Keys(), "jwks.json") }
func (l Layout) apiKeysFile() string { return filepath.Join(l.Keys(), "api-keys.json") }

// LoadSecrets reads the shop's secrets and makes those that are missing.
func LoadSecrets(l Layout, m Manifest) (Secrets, error) {
	if err := ensureSigningKey(l); err != nil {
		return Secrets{}, fmt.Errorf("signing key: %w", err)
	}
	var s Secrets
	raw, err := os.ReadFile(l.secretsFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Secrets{}, err
	}
	if err == nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return Secrets{}, fmt.Errorf("%s: %w", l.secretsFile(), err)
		}
	}
	before := s
	for _, field := range []*string{&s.DaprAPIToken, &s.AppAPIToken, &s.Servers} {
		if *field == "" {
			*field = rand.Text()
		}
	}
	if s.APIKey == "" {
		s.APIKey, _, _ = auth.NewKey()
	}
	if s != before {
		if err := writeJSON(l.secretsFile(), s); err != nil {
			return Secrets{}, err
		}
	}
	return s, s.writeKeyFile(l, m)
}

// ServersPassword is that of the private Redis and Kafka of a shop that was started before.
func (l Layout) ServersPassword() (string, error) {
	s, err := l.secrets()
	return s.Servers, err
}

// DaprToken is what the apps of a shop that was started before show to their sidecars.
func (l Layout) DaprToken() (string, error) {
	s, err := l.secrets()
	return s.DaprAPIToken, err
}

func (l Layout) secrets() (s Secrets, err error) {
	raw, err := os.ReadFile(l.secretsFile())
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("%s: %w", l.secretsFile(), err)
	}
	return s, nil
}

// writeKeyFile keeps the shop's own key in the gateway's file, with the scopes of today, and leaves other keys alone.
func (s Secrets) writeKeyFile(l Layout, m Manifest) error {
	id, hash, err := auth.ParseKey(s.APIKey)
	if err != nil {
		return err
	}
	var keys []apiKey
	if raw, err := os.ReadFile(l.apiKeysFile()); err == nil {
		if err := json.Unmarshal(raw, &keys); err != nil {
			return fmt.Errorf("%s: %w", l.apiKeysFile(), err)
		}
	}
	kept := []apiKey{{ID: id, SHA256: hex.EncodeToString(hash[:]), Name: "local", Scopes: m.StaffScopes()}}
	for _, k := range keys {
		if k.ID != id {
			kept = append(kept, k)
		}
	}
	return writeJSON(l.apiKeysFile(), kept)
}

func ensureSigningKey(l Layout) error {
	signer, err := auth.LoadSigner(l.SigningKey())
	if errors.Is(err, os.ErrNotExist) {
		if signer, err = auth.Generate(); err == nil {
			err = writeJSON(l.SigningKey(), auth.JWKS{Keys: []auth.JWK{signer.JWK()}})
		}
	}
	if err != nil {
		return err
	}
	return writeJSON(l.jwks(), auth.JWKS{Keys: []auth.JWK{signer.JWK()}}.Public())
}

// StaffToken mints a token with all scopes, as long-lived as tokens may be.
func StaffToken(l Layout, scopes []string, now time.Time) (string, error) {
	signer, err := auth.LoadSigner(l.SigningKey())
	if err != nil {
		return "", err
	}
	return signer.Mint(auth.Principal{Subject: "staff-local", Kind: "staff", Scopes: scopes}, auth.MaxTTL, now)
}

// CustomerToken makes a token of a customer, as the sign-in of an account would.
func CustomerToken(l Layout, id string, now time.Time) (string, error) {
	signer, err := auth.LoadSigner(l.SigningKey())
	if err != nil {
		return "", err
	}
	return signer.Mint(auth.Principal{Subject: id, Kind: auth.KindCustomer}, auth.MaxTTL, now)
}

// componentSecrets is the content of the components' secret store. A projection of a cart that a crash of the server takes along is
// made again from the cart's log: writing one does not wait for the disk.
func (s Secrets) componentSecrets(databaseURL func(string) string) map[string]string {
	return map[string]string{
		"carts-connection":              databaseURL(CartsDatabase) + "&synchronous_commit=off",
		"actorstate-connection":         databaseURL(ActorsDatabase),
		"servers-password":              s.Servers,
		"payment-gateway-authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(simulatorKeys)),
	}
}

// writeJSON replaces a file that only the owner may read, whole or not at all.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(raw, '\n'), 0o600)
}

func writeFile(path string, raw []byte, mode os.FileMode) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, raw, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
