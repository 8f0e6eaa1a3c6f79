"""Work modules of each kind, to read, try, and copy. examples/README.md lists them."""
