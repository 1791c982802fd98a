"""Counts, on a real model's un-pruned attention, how many keys the policies of other accelerators look at.

Run as ``python -m tokensieve.golden.capture.pairs TEXT OUT [MODEL [LICENCE]]``; MODEL is `minilm` or a folder.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tokensieve.arch.errors import TokensieveError, WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import load_arch
from tokensieve.golden.capture.attach import attending, load_model
from tokensieve.golden.capture.capture import one_thread
from tokensieve.golden.capture.runs import EncoderRuns
from tokensieve.golden.capture.source import MINILM, ModelFolder, read_tokens
from tokensieve.golden.layer import LayerInput
from tokensieve.golden.policies import a3, mnnfast
from tokensieve.golden.quantize import Quantized, quantize
from tokensieve.golden.reference import dense_attention
from tokensieve.workloads.pairs import COUNTS, VERSION, Pairs, write_pairs

KNOBS = {
    "a3": {"iterations": str(a3.CONSERVATIVE.iterations), "weight": str(a3.CONSERVATIVE.weight)},
    "a3_aggressive": {"iterations": str(a3.AGGRESSIVE.iterations), "weight": str(a3.AGGRESSIVE.weight)},
    "mnnfast": {"threshold": str(mnnfast.THRESHOLD), "chunk": mnnfast.CHUNK},
}


class _Counter:
    """Attends as the model would, and counts what the policies would have looked at."""

    def __init__(self, arch: Arch) -> None:
        self.arch = arch
        self.layers: list[Tensor] = []

    def layer(self, x: LayerInput) -> Tensor:
        number = self.arch.number
        operands = [(quantize(q, number), quantize(k, number)) for q, k in zip(x.query, x.key, strict=True)]
        self.layers.append(torch.stack([counted(q, k, self.arch) for q, k in operands], dim=1))
        return dense_attention(x.query, x.key, x.value)


def counted(q: Quantized, k: Quantized, arch: Arch) -> Tensor:
    """Return the counts of every query of a head, shape ``(len(COUNTS), queries)``."""
    careful, bold = a3.select(q, k, arch, a3.CONSERVATIVE), a3.select(q, k, arch, a3.AGGRESSIVE)
    kept = mnnfast.used_values(q, k, arch)
    return torch.stack([m.sum(dim=1) for m in (careful.candidates, careful.used, bold.candidates, bold.used, kept)])


@one_thread()
def pairs(model: str, text: Path, licence: str) -> Pairs:
    """Return the counts of an encoder on the whole of `text`."""
    folder = ModelFolder.of(model)
    if folder.causal:
        raise WorkloadError(f"counts are those of an encoder's prefill, {folder.name} is a causal model")
    tokens, network = read_tokens(text, folder, None), load_model(folder)
    counter = _Counter(load_arch("spatten"))
    with attending(network, counter.layer, folder.name):
        EncoderRuns(network, tokens.ids, folder.name).hidden()
    found = torch.stack(counter.layers, dim=1).numpy().astype("uint16")  # (counts, layers, heads, queries)
    meta = {
        "version": VERSION,
        "model": f"{folder.name} (sha256 {folder.weights_sha256[:12]})",
        "text_sha256": tokens.sha256,
        "licence": licence,
        "knobs": KNOBS,
    }
    return Pairs(meta, dict(zip(COUNTS, found, strict=True)))


def main(arguments: Sequence[str]) -> int:
    """Write the counts that `arguments` ask for; return the exit code."""
    try:
        _write(arguments)
    except TokensieveError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


def _write(arguments: Sequence[str]) -> None:
    if not 2 <= len(arguments) <= 4:
        raise WorkloadError(
            f"TEXT OUT [MODEL [LICENCE]] must follow tokensieve.golden.capture.pairs, got {len(arguments)} arguments"
        )
    text, out, model, licence = (*arguments, *(MINILM, "not stated")[len(arguments) - 2 :])
    if Path(out).resolve() == Path(text).resolve():
        raise WorkloadError(f"OUT must not name the file of TEXT, got {out!r}")
    write_pairs(Path(out), pairs(model, Path(text), licence))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
