package shop

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/auth"
)

const repository = "../../.."

func manifest(t *testing.T) Manifest {
	t.Helper()
	m, err := ReadManifest(filepath.Join(repository, "dapr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newShop is the real repository rendered into a temporary state folder.
func newShop(t *testing.T, ports Ports) Shop {
	t.Helper()
	return newShopOf(t, "", ports)
}

// newShopOf is newShop of a profile.
func newShopOf(t *testing.T, profile string, ports Ports) Shop {
	t.Helper()
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	s := Shop{
		Layout: Layout{Root: root, Data: t.TempDir(), Profile: profile}, Manifest: manifest(t), Ports: ports,
		DatabaseURL: func(db string) string { return "postgres://u:p@127.0.0.1:1/" + db },
	}
	if err := s.Layout.Prepare(); err != nil {
		t.Fatal(err)
	}
	if s.Secrets, err = LoadSecrets(s.Layout, s.Manifest); err != nil {
		t.Fatal(err)
	}
	wrap := func(name string, argv []string) []string { return append([]string{"wrapped", name}, argv...) }
	if err := s.Render("/opt/it's/daprd", wrap, func() []string { return []string{"wrapped"} }); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestManifestIsReadStrictly(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(filepath.Join(repository, "dapr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"a typo in common":   {"appHealthThreshold:", "appHealthTreshold:", "appHealthTreshold"},
		"a typo in an app":   {"daprHTTPPort: 3501", "daprHttpPort: 3501", "daprHttpPort"},
		"a typo at the top":  {"apps:", "app:", "field app "},
		"a second version":   {"version: 1", "version: 2", "version is 2"},
		"no health check":    {"enableAppHealthCheck: true", "enableAppHealthCheck: false", "health check"},
		"open to the net":    {"apiListenAddresses: 127.0.0.1", "apiListenAddresses: 0.0.0.0", "127.0.0.1"},
		"a port twice":       {"daprGRPCPort: 13502", "daprGRPCPort: 13501", "port 13501 is taken by catalog"},
		"a port too low":     {"metricsPort: 9301", "metricsPort: 80", "80 is no usable port"},
		"an app id":          {"appID: cart", "appID: Cart!", "Cart!"},
		"an absolute folder": {"appDirPath: services/cart", "appDirPath: /services/cart", "relative"},
		"no command":         {`command: ["${bin}/cart"]`, "command: []", "cart: command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(good), c.old) {
				t.Fatalf("dapr.yaml has no %q", c.old)
			}
			path := filepath.Join(t.TempDir(), "dapr.yaml")
			if err := os.WriteFile(path, []byte(strings.Replace(string(good), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadManifest(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestEveryPortOfTheShopIsItsOwn(t *testing.T) {
	t.Parallel()
	all := manifest(t).Defaults(Kafka, 3)
	slices.Sort(all)
	if twice := len(all) - len(slices.Compact(slices.Clone(all))); twice != 0 {
		t.Errorf("%d ports stand twice in %v", twice, all)
	}
	for _, p := range all {
		if p >= 32768 {
			t.Errorf("port %d is in the range that Linux gives to outgoing connections", p)
		}
	}
}

func TestShopsBesideEachOtherShareNoPort(t *testing.T) {
	t.Parallel()
	defaults := manifest(t).Defaults(Kafka, 3)
	owner := map[int]int{}
	for _, offset := range []int{0, 20, 40, 60, 80} {
		ports, err := Shifted(offset)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range defaults {
			if other, taken := owner[ports.Of(d)]; taken {
				t.Errorf("port %d belongs to the shops of offset %d and %d", ports.Of(d), other, offset)
			}
			owner[ports.Of(d)] = offset
		}
	}
	for _, offset := range []int{-20, 7, 20020} {
		if _, err := Shifted(offset); err == nil {
			t.Errorf("the offset %d is taken", offset)
		}
	}
}

func TestFreePortsDiffer(t *testing.T) {
	t.Parallel()
	defaults := manifest(t).Defaults(Kafka, 1)
	seen := map[int]bool{}
	for range 3 {
		ports, claim, err := Free(defaults)
		if err != nil {
			t.Fatal(err)
		}
		defer claim.Close()
		own := map[int]bool{}
		for _, d := range defaults {
			own[ports.Of(d)] = true
		}
		for p := range own {
			if seen[p] || p < 24000 || p >= 32768 {
				t.Errorf("port %d was given twice, or may be an outgoing connection's", p)
			}
			seen[p] = true
		}
	}
	if _, _, err := Free(make([]int, 100)); err == nil {
		t.Error("more ports than a claim holds were given")
	}
}

func TestRenderedManifest(t *testing.T) {
	t.Parallel()
	ports, err := Shifted(20)
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, ports)
	m, err := ReadManifestAbsolute(s.Layout.DaprYAML())
	if err != nil {
		t.Fatal(err)
	}
	cart, _ := m.App("cart")
	if cart.AppPort != 8123 || cart.DaprHTTPPort != 3523 || cart.MetricsPort != 9323 {
		t.Errorf("cart's ports are %v, want them 20 up", cart.ports())
	}
	if want := []string{"wrapped", "cart", s.Layout.Bin() + "/cart"}; !slices.Equal(cart.Command, want) {
		t.Errorf("cart's command is %q, want %q", cart.Command, want)
	}
	for k, want := range map[string]string{
		"SIDECART_HTTP_ADDR":    "127.0.0.1:8123",
		"SIDECART_METRICS_ADDR": "127.0.0.1:9423",
		"SIDECART_DATABASE_URL": "postgres://u:p@127.0.0.1:1/sidecart_cart",
		"SIDECART_JWKS_FILE":    s.Layout.Keys() + "/jwks.json",
	} {
		if cart.Env[k] != want {
			t.Errorf("%s is %q, want %q", k, cart.Env[k], want)
		}
	}
	gateway, _ := m.App("gateway")
	if gateway.Env["SIDECART_PUBLIC_ADDR"] != "127.0.0.1:8020" || gateway.HasDatabase() {
		t.Errorf("gateway gets %v", gateway.Env)
	}
	state, err := s.Describe()
	if err != nil {
		t.Fatal(err)
	}
	if state.Gateway != "http://127.0.0.1:8020" || state.Databases["order"] == "" {
		t.Errorf("the state says %+v", state)
	}
	mode(t, s.Layout.DaprYAML(), 0o600)
}

// ReadManifestAbsolute reads a rendered manifest: all the same but the folders are absolute.
func ReadManifestAbsolute(path string) (Manifest, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if strings.Contains(string(raw), "${") {
		return m, fmt.Errorf("%s holds a placeholder", path)
	}
	return m, yaml.Unmarshal(raw, &m)
}

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != want {
		t.Errorf("%s has mode %o, want %o", path, st.Mode().Perm(), want)
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	again, err := LoadSecrets(s.Layout, s.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if again != s.Secrets || again.APIKey == "" || again.DaprAPIToken == "" || again.DaprAPIToken == again.AppAPIToken {
		t.Error("the secrets changed, or are none")
	}
	verifier, err := auth.OpenVerifier(s.Layout.jwks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := StaffToken(s.Layout, s.Manifest.StaffScopes(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := verifier.Verify(token, time.Now())
	if err != nil || !p.Has("order:write") {
		t.Errorf("the staff token is %+v, %v", p, err)
	}
	public, err := os.ReadFile(s.Layout.jwks())
	if err != nil || strings.Contains(string(public), `"d"`) {
		t.Errorf("the services' key file holds the private key, or cannot be read: %v", err)
	}
}

func TestUnknownPlaceholder(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	if _, err := s.expand("${nonsense}", s.vars()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
}

func TestStandInQuotesItsArguments(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	raw, err := os.ReadFile(s.Layout.daprd())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), `'/opt/it'\''s/daprd' "$@"`) {
		t.Errorf("the script is %s", raw)
	}
}

func TestSocketsOfADeepFolder(t *testing.T) {
	t.Parallel()
	deep := Layout{Data: "/" + strings.Repeat("deep/", 30)}
	if len(deep.Sockets()) > 80 {
		t.Errorf("%s is too long for a socket", deep.Sockets())
	}
	if other := (Layout{Data: deep.Data + "er"}); other.Sockets() == deep.Sockets() {
		t.Error("two shops share their sockets")
	}
}

func TestStateOfNoShop(t *testing.T) {
	t.Parallel()
	s := newShop(t, Ports{})
	if _, err := Running(s.Layout); err != ErrNotRunning { //nolint:errorlint // it is returned as it is
		t.Errorf("got %v", err)
	}
	if _, err := url.Parse(URL(1)); err != nil {
		t.Error(err)
	}
}

func TestFindLayout(t *testing.T) {
	t.Parallel()
	l, err := FindLayout(".", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Manifest()); err != nil || filepath.Base(l.Data) != ".data" {
		t.Errorf("found %+v, %v", l, err)
	}
	if _, err := FindLayout(t.TempDir(), ""); err == nil {
		t.Error("found a repository where there is none")
	}
}

// Only a profile with a cluster has search keep its index there.
func TestSearchKeepsItsIndexWhereTheProfileSays(t *testing.T) {
	t.Parallel()
	ports, err := Shifted(20)
	if err != nil {
		t.Fatal(err)
	}
	for profile, want := range map[string]string{Embedded: "", Kafka: "", Standard: "http://127.0.0.1:15035"} {
		s := newShopOf(t, profile, ports)
		app, _ := s.Manifest.App("search")
		env, err := s.AppEnv(app)
		if got := env["SIDECART_OPENSEARCH_URLS"]; err != nil || got != want {
			t.Errorf("%s: %q, %v", profile, got, err)
		}
	}
}
