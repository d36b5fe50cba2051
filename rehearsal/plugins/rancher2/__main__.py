"""The plugin: `python -m rehearsal.plugins.rancher2 [engine address]`."""

from rehearsal.plugins.protocol import main
from rehearsal.plugins.rancher2.provider import Rancher2Provider

main(Rancher2Provider())
