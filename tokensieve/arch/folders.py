"""Where files lie that only save time: the cache folder, which may be emptied whenever nothing runs."""

import os
from pathlib import Path

CACHE = "TOKENSIEVE_CACHE"
"""Environment variable that names the cache folder."""


def cache_root() -> Path:
    """Return the cache folder, which need not exist: `TOKENSIEVE_CACHE`, or ``tokensieve`` in the user's caches."""
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE) or Path(users, "tokensieve")).absolute()
