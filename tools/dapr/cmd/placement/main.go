// Command placement is Dapr's placement service, which tells sidecars where
// each actor lives.
package main

import "github.com/dapr/dapr/cmd/placement/app"

func main() {
	app.Run()
}
