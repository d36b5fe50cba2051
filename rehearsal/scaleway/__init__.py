"""A stand-in for Scaleway's API, which the real Scaleway provider talks to.

`ScalewayApi` serves it on the rehearsal's loopback address, keeps its state in the rehearsal's folder
and lets `Machines` and `Clusters` (see backends) do the work; `Credentials` is the API key to it. What
it answers is held against the provider's own recordings in tests/localcloud/contract.
"""

from rehearsal.scaleway.api import PORT, ScalewayApi
from rehearsal.scaleway.credentials import Credentials
from rehearsal.scaleway.offers import Catalogue

__all__ = ["PORT", "Catalogue", "Credentials", "ScalewayApi"]
