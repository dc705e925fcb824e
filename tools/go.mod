module github.com/sidecart/sidecart/tools

go 1.26.4

replace github.com/sidecart/sidecart => ../
