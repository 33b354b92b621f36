"""What needs the checkout: generated pages, the stages of `make test`, whether a tag can be released."""
