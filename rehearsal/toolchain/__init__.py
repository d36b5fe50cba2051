"""The programs that a rehearsal runs: Pulumi's engine, its plugins, and Kubernetes' control plane.

Each is taken from the first of these that has it: what this machine has already, the publisher's own
download, a build from source with Go (from the wrapper modules in `modules`, whose go.sum pins every
byte). The `command` and `rancher2` plugins, and the engine's language host, cannot be built: where they cannot be
downloaded either, stand-ins in Python (`rehearsal.plugins`) take their place. `Tool.origin` tells which one it was.

What was downloaded or built is kept in the user's cache folder under a name made of what went into
it, so that nothing is ever made twice, by two runs at once either, and half of it is never seen.
"""
