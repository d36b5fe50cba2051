"""Print the manifest with which a cluster joins Rancher."""

import http.client
import ssl
import sys
import time
import urllib.request
from ipaddress import IPv4Address
from urllib.parse import urlsplit

TRIES = 10
PAUSE_SECONDS = 3
TIMEOUT_SECONDS = 20


def main(url: str, certificates: str | None) -> None:
    """Called from the last line of this program's text, which the board adds, so that nothing of it is in a command.

    url: of the manifest; it holds the token, so no message shows it.
    certificates: PEM, trusted besides those that this machine trusts.
    """
    context = ssl.create_default_context()
    if certificates:
        context.load_verify_locations(cadata=certificates)
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    try:
        # A proxy has no way to this machine's loopback.
        if IPv4Address(urlsplit(url).hostname or "").is_loopback:
            handlers.append(urllib.request.ProxyHandler({}))
    except ValueError:
        pass
    opener = urllib.request.build_opener(*handlers)
    for left in reversed(range(TRIES)):
        try:
            with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
                print(answer.read().decode())
            return
        # An answer may also end in the middle: only a request that found nobody is a URLError.
        except (OSError, http.client.HTTPException) as error:
            if not left:
                why = getattr(error, "reason", None) or error or type(error).__name__
                sys.exit(
                    f"Rancher does not give the manifest with which this board joins it ({why}). Check that Rancher "
                    "answers where rancher.apiUrl says and that rancher.caBundle fits its certificate, then run "
                    "'pulumi up' again."
                )
            time.sleep(PAUSE_SECONDS)
