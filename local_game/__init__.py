"""The game's delivery and hunt as processes of this machine, without a cluster.

`python -m local_game` (`make play`) lets a person play; the benchmarks and tests/attacks raise the same processes.
Gitea, Drone, the guard and the hunt are the real ones, configured by what the program registers for a board. Stand-ins:
a recording runner takes the builds and runs none, and the cluster is what the teams' charts on `main` say.
"""
