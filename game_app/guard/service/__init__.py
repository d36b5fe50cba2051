"""The guard's program: it tells Drone which pipeline a build runs, and never lets a repository tell.

It imports nothing but the standard library and its own files, by relative names: it runs as `python -m guard`
in a container that has Python and these files, and nothing else.
"""
