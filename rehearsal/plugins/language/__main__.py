"""The language host: `python -P PATH/TO/language ENGINE`, as the engine starts it by way of its launcher."""

import asyncio
import sys
from pathlib import Path

# Not by PYTHONPATH: the program would inherit it, and find modules that at Scaleway it does not.
sys.path.insert(0, str(Path(__file__).parents[3]))

from rehearsal.plugins.language.host import Host
from rehearsal.plugins.serving import serve_until_told

# Before it come --logtostderr, -v=N and --tracing X where the engine has them; its address is always last.
asyncio.run(serve_until_told(Host(sys.argv[-1])))
