"""Guard of builds: Drone's configuration and validation extensions, which decide which pipeline a build runs.

No repository has a say in that.
"""
