"""Stand-in for K3s: the same commands, files and unit, with a control plane whose pods do not run.

Runs on the game master out of one zip file (rehearsal.k3s.pack), with nothing but Debian's python3 and openssl.
"""
