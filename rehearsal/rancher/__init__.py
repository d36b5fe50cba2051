"""A stand-in for Rancher: the dozen endpoints that the rancher2 provider uses, over plain HTTP.

It is not Rancher. It keeps users, tokens, settings and clusters the way Rancher's API shows them, so that
both the official rancher2 plugin and this project's stand-in for it can bootstrap it, import a cluster
and remove it again. Nothing is managed: an imported cluster turns active when its agent's Deployment is
there, and whoever starts the stand-in tells it how to see that (`AgentReady`). Real Rancher also installs Fleet
and its webhook on a cluster, renews the agent, passes requests on to the cluster, and cleans it up when it is
removed; the stand-in does none of that. `POST /rehearsal/down` lets it answer 503 to everything, `DELETE` ends that.
Real Rancher keeps all that it knows in the datastore of the Kubernetes that it runs on. The stand-in is told by
`PUT /rehearsal/datastore` which one that is: with another it is a fresh Rancher, and with one that it was on before it
is the Rancher of then.
"""

from rehearsal.rancher.agents import agent_ready
from rehearsal.rancher.manifest import credentials_name
from rehearsal.rancher.rancher_server import AgentReady, RancherStandIn

__all__ = ["AgentReady", "RancherStandIn", "agent_ready", "credentials_name"]
