"""The guard: what decides which pipeline a build runs, so that no pull request does.

`service` is the program, `pipelines` what it serves.
"""
