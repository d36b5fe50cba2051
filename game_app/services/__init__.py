"""Programs that run in pods: the guard of builds, the hunt's pages and checks, the set-up of the source control.

Each runs as `python -m services.<program>` on Python's own image, from files that are mounted as ConfigMaps: the files
of this folder and those of its own. There is no image of ours to be built, to be pulled, or to be trusted, least of all
by the deployment that the guard guards. So nothing is imported here but the standard library and files of this folder,
by relative names; HTTP in both directions is `http_server` and `http_client`.

No library takes their place: waitress is the one that could be mounted (pure Python, no dependency), and its
`channel_timeout` counts from the last byte, so that a byte now and then holds a connection for ever; httpx and requests
need compiled or data files of others, and neither bounds a whole answer in size and time.
"""
