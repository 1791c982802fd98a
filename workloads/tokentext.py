"""The texts of tokens in a file of decisions: UTF-8, one after another, with a NUL between two."""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.workloads.container import bytes_of


def encode_texts(texts: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Return the array that holds `texts`, none of which has a NUL."""
    return np.frombuffer("\0".join(texts).encode(), np.uint8)


def decode_texts(array: npt.NDArray[np.generic], context: npt.NDArray[np.generic]) -> tuple[str, ...]:
    """Return the texts in `array`, or raise `WorkloadError`: one for each token of the longest context, or more.

    They are counted before they are split, so that a small file of many empty texts costs nothing.
    """
    data = bytes_of(array, "token_text")
    texts = data.count(0) + 1
    longest = min(int(context.max(initial=0)), MAX_TOKENS) if context.dtype == np.int32 else 0
    if not longest <= texts <= MAX_TOKENS:
        rule = f"at least {longest} tokens, as many as the longest context, and at most {MAX_TOKENS}"
        raise WorkloadError(f"decisions: token_text must have {rule}, got {texts}")
    return _split(data)


def _split(data: bytes) -> tuple[str, ...]:
    try:
        return tuple(data.decode().split("\0"))
    except UnicodeDecodeError:
        raise WorkloadError("decisions: token_text is not UTF-8") from None
