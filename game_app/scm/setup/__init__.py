"""Sets the source control and Drone up, without a click, and puts right what was bent: it may run again and again.

Like the guard it runs where there is Python and nothing else, from this project's own files under their own names.
"""
