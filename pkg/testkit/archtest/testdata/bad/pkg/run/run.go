package run

import "example.com/shop/services/a/aapi"
