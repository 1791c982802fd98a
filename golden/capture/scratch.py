"""The folder of PyTorch's compiler, which is made where a model's code merely loads it: ours, and removed again."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_FOLDER = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def own_scratch() -> Iterator[None]:
    """Let the compiler use a temporary folder inside the block, unless the user has named one for it."""
    if _FOLDER in os.environ:
        yield
        return
    try:
        folder = tempfile.mkdtemp(prefix="tokensieve-")
    except OSError:  # nowhere to write: then the compiler leaves nothing either
        yield
        return
    os.environ[_FOLDER] = folder
    try:
        yield
    finally:
        os.environ.pop(_FOLDER, None)
        shutil.rmtree(folder, ignore_errors=True)
