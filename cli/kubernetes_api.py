"""Whether a cluster's Kubernetes API answers to a kubeconfig."""

from __future__ import annotations

from typing import Any, Final, cast

import httpx
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Namespace

SECONDS: Final = 10
"""How long the API may take for each part of its answer."""


class UnreachableError(Exception):
    """The API does not answer, or not to this kubeconfig; the text says why."""


def ask_api(kubeconfig: str) -> None:
    """Ask a cluster's API for what every cluster has. Raises UnreachableError."""
    try:
        config = cast("Any", KubeConfig).from_dict(yaml.safe_load(kubeconfig))
        api = Client(config, timeout=httpx.Timeout(SECONDS))
    except (yaml.YAMLError, ConfigError, LookupError, TypeError, AttributeError, ValueError, OSError) as error:
        raise UnreachableError("its kubeconfig in the state is not one") from error
    try:
        api.get(Namespace, "default")
    except ApiError as error:
        raise UnreachableError(f"its API refuses the kubeconfig in the state: {error}") from error
    except (httpx.HTTPError, LookupError, ValueError, OSError) as error:
        raise UnreachableError(f"its API does not answer: {str(error) or type(error).__name__}") from error
