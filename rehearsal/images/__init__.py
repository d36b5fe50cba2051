"""Images of pods, for boards whose pods run, and the registry from which nodes pull them.

Each has the reference that the program, a chart or an operator asks for. `make rehearse IMAGES=…` says which it is:

- `local`, by default: the image that is built here, from modules of Go or from Debian's packages; where none is, the
  publisher's, if the publisher's registry answers; else a stand-in, which says so.
- `publishers`: the publisher's, always.

The registry is what a node asks first for every image, whichever registry the image's name says; an image that is not
there is pulled from its publisher.
"""
