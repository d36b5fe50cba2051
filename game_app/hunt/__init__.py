"""The hunt: what teams are led through, the page that shows them where they are, and the checks of each step.

`example` is the hunt that comes with the project, `folder` reads such a folder, `service` is the program.
"""
