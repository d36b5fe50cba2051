"""Tests of the project, one folder for each tier."""

import os

# Some start a program on a terminal by a fork; gRPC's threads, begun anew in the child, would write into that terminal.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
