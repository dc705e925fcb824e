package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// ClientToken is what a client token says. Base is the simulator's own address up to the merchant, as the caller sees it.
type ClientToken struct {
	Base, Merchant, PublicKey, PrivateKey, Account, CustomerID string
	Now                                                        time.Time
}

// Value encodes the token in the given version: 1 is plain JSON, 2 (the default of the SDKs) and 3 are base64.
func (c ClientToken) Value(version string) (string, error) {
	text, err := json.Marshal(c.content(version))
	if err != nil {
		return "", fmt.Errorf("encode client token: %w", err)
	}
	if version == "1" {
		return string(text), nil
	}
	return base64.StdEncoding.EncodeToString(text), nil
}

func (c ClientToken) content(version string) map[string]any {
	number := map[string]int{"1": 1, "2": 2, "3": 3}[version]
	content := map[string]any{
		"version":                  number,
		"authorizationFingerprint": c.fingerprint(),
		"configUrl":                c.Base + "/client_api/v1/configuration",
		"environment":              "development",
		"merchantId":               c.Merchant,
		"graphQL":                  map[string]any{"url": c.Base + "/graphql", "date": "2018-05-08", "features": []string{"tokenize_credit_cards"}},
	}
	if version == "3" {
		return content
	}
	for name, value := range map[string]any{
		"challenges": []string{}, "clientApiUrl": c.Base + "/client_api", "assetsUrl": c.Base + "/assets", "authUrl": c.Base + "/auth",
		"analytics":           map[string]string{"url": c.Base + "/client_api/analytics"},
		"threeDSecureEnabled": true, "paypalEnabled": false, "venmo": "off", "applePayStatus": "off", "coinbaseEnabled": false,
		"merchantAccountId": c.Account,
		"creditCards":       map[string]any{"supportedCardTypes": []string{"American Express", "Discover", "JCB", "MasterCard", "Visa"}},
	} {
		content[name] = value
	}
	return content
}

// fingerprint is a signature over the token's claims, the claims behind a bar, as in the real token.
func (c ClientToken) fingerprint() string {
	claims := url.Values{"created_at": {c.Now.UTC().Format(time.RFC3339Nano)}, "merchant_id": {c.Merchant}, "public_key": {c.PublicKey}}
	if c.Account != "" {
		claims.Set("merchant_account_id", c.Account)
	}
	if c.CustomerID != "" {
		claims.Set("customer_id", c.CustomerID)
	}
	text := claims.Encode()
	mac := hmac.New(sha256.New, []byte(c.PrivateKey))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)) + "|" + text
}

// ClientTokenAnswer wraps the token's value.
func ClientTokenAnswer(value string) []byte {
	b := document()
	b.in("client-token", "", func() { b.text("value", value) })
	return b.bytes()
}
