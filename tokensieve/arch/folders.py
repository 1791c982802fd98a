"""Where files lie that only save time: the cache folder, which may be emptied whenever nothing runs."""

import os
from pathlib import Path

CACHE = "TOKENSIEVE_CACHE"
"""Environment variable that names the cache folder."""


def cache_root() -> Path:
    """Return the cache folder, which need not exist: `TOKENSIEVE_CACHE`, or ``tokensieve`` in the user's caches."""
    return Path(os.environ.get(CACHE) or user_cache()).absolute()


def user_cache() -> Path:
    """Return ``tokensieve`` in the user's caches; for a user without a home, a folder that can never be made."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tokensieve")
    except RuntimeError:
        return Path(os.devnull, "tokensieve")
