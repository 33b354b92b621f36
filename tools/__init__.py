"""What needs the checkout: generated pages, and the stages of `make test`."""
