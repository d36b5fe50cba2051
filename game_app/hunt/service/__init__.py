"""The hunt's program: it shows a team where it is, looks whether it got further, and shows the operators all teams.

Like the guard it imports nothing but the standard library and its own files, by relative names: it runs as
`python -m hunt` in a container that has Python and these files, and nothing else.
"""
