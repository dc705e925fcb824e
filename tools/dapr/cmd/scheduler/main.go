// Command scheduler is Dapr's scheduler service, which keeps the jobs and
// fires them.
package main

import "github.com/dapr/dapr/cmd/scheduler/app"

func main() {
	app.Run()
}
