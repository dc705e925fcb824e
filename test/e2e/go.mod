module github.com/sidecart/sidecart/test/e2e

go 1.26.4

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/sidecart/sidecart v0.0.0
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/sidecart/sidecart => ../../
