"""Plugins of the engine in Python, for machines where an official one cannot be had.

`language` is the language host. The others are resource providers: each speaks the plugin protocol (gRPC) that the
engine speaks with every plugin, and stands in for one official plugin, for what this project uses of it: the same
inputs, outputs, replacements and secrets.

- `python -m rehearsal.plugins.command` stands in for pulumi-command;
- `python -m rehearsal.plugins.rancher2` stands in for pulumi-rancher2.

`install` puts them where the engine looks, and says which releases they stand in for.
Shared by them: `properties` (values on the wire), `schema` (inputs of a resource, checked and compared),
`provider_model` (providers and resources), `protocol` (the gRPC service) and, with the language host too, `serving`.
"""
