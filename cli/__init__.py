"""The commands beside `pulumi`'s own: `python -m cli --help` lists them."""
