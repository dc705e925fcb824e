// Command cart takes events and calls others.
package main

import "shop/app"

func main() { (&app.App{Topic: "inventory", Version: "one"}).Main() }
