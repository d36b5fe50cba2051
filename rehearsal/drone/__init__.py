"""The real Drone server and the real Gitea as processes of this machine, for builds whose pods cannot run here.

What takes the builds is a stand-in: a runner that records what it was given, and runs none of it.

Differences to what a board gets: Drone is 1.10.1, the newest that Go's module proxy serves (a board's is in
`common/versions.py`); its database is Debian's PostgreSQL; it has no private mode and knows no cron or event filter in
its webhooks. Gitea has a board's version, without its own pages' scripts and styles.
"""
