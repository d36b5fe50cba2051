"""A stand-in for Rancher: the dozen endpoints that the rancher2 provider uses, over plain HTTP.

It is not Rancher. It keeps users, tokens, settings and clusters the way Rancher's API shows them, so that
both the official rancher2 plugin and this project's stand-in for it can bootstrap it, import a cluster
and remove it again. Nothing is managed: an imported cluster turns active when its agent's Deployment is
there, and whoever starts the stand-in tells it how to see that (`AgentReady`).
"""

from rehearsal.rancher.manifest import credentials_name
from rehearsal.rancher.standin import AgentReady, RancherStandIn

__all__ = ["AgentReady", "RancherStandIn", "credentials_name"]
