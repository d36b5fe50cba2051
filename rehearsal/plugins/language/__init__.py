"""A stand-in for `pulumi-language-python`, the engine's language host, which comes with its official download only.

`install.install_language_host` puts it beside an engine that has none. It serves the projects that this one has:
toolchain `pip`, with or without a virtual environment; another is refused by name. Policy packs, debuggers and
plugins written in Python are not served: the engine says so itself.

- `python`: the interpreter that `Pulumi.yaml` names, and what is installed for it;
- `host`: the service (gRPC) that the engine starts once or several times in each command;
- `executor`: runs the program, in a process of its own.

The executor is the project's own. The official one's text lies in the engine's Go modules, but an engine that was found
on PATH came without them, and a rehearsal would then have two roads; the tests hold the own one against it.
"""
