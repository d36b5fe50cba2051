"""Continuous deployment: Drone, its runners, BuildKit, the image registry and the namespaces in which builds run."""
