// Command dapr is Dapr's own command line, as released.
package main

import "github.com/dapr/cli/cmd"

// version is set by the build; the command line prints it and nothing else
// depends on it.
var version = "edge"

func main() {
	cmd.Execute(version, "1.0")
}
