// Command daprd is Dapr's own sidecar with three components that its stable
// build leaves out and the shop needs.
//
// The rest is Dapr as released: the version in go.mod decides. What is
// registered here must be in the official daprd too, because the tool prefers
// an installed one to building this.
package main

import (
	"github.com/dapr/components-contrib/bindings/smtp"
	"github.com/dapr/components-contrib/bindings/twilio/sms"
	"github.com/dapr/dapr/cmd/daprd/app"
	"github.com/dapr/dapr/pkg/components/bindings"
	"github.com/dapr/dapr/pkg/components/nameresolution"

	"github.com/sidecart/sidecart/tools/dapr/internal/hosts"
)

func main() {
	// Two shops on one machine must not answer each other's calls, as they do
	// with mDNS: each has a name table of its own in a file.
	nameresolution.DefaultRegistry.RegisterComponent(hosts.New, "sqlite")
	bindings.DefaultRegistry.RegisterOutputBinding(smtp.NewSMTP, "smtp")
	bindings.DefaultRegistry.RegisterOutputBinding(sms.NewSMS, "twilio.sms")
	app.Run()
}
