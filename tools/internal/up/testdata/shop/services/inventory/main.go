// Command inventory hosts an actor and publishes.
package main

import "shop/app"

func main() { (&app.App{ActorType: "sku", Version: "one"}).Main() }
