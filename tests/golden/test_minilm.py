"""Golden on a real model: MiniLM reading the 512 tokens whose trace ships with the package."""

from importlib import resources
from pathlib import Path

import pytest
import torch

from tokensieve.arch import load_arch
from tokensieve.golden.attention import Precision
from tokensieve.golden.layer import LayerInput
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.distributions import minilm_probabilities
from tokensieve.workloads.schedule import schedule_from

DATA = Path(str(resources.files("tokensieve.workloads"))) / "data"
TEXT, WHOLE, LOCAL = DATA / "minilm-512.txt", DATA / "minilm-512-whole.npz", DATA / "minilm-512.npz"
LICENCE = "text: public domain (Lewis Carroll, Alice's Adventures in Wonderland, 1865, chapter I); weights: Apache-2.0"


@pytest.fixture(scope="module")
def layer_inputs(minilm_folder) -> list[LayerInput]:
    """Q, K and V of the un-pruned model's six layers."""
    from tokensieve.golden.capture.fidelity import encoder_inputs

    return encoder_inputs("minilm", TEXT)


@pytest.mark.parametrize(
    ("precision", "cosine", "error"),
    [(Precision(12, 8, 8), 0.999, 0.20), (Precision(12, 12, 12), 0.9999, 0.05)],
    ids=["Q 12, K 8, V 8", "Q 12, K 12, V 12"],
)
@pytest.mark.parametrize("kind", ["taylor5", "lut"])
def test_every_layer_is_close_to_float64_attention(layer_inputs, precision, cosine, error, kind):
    from tokensieve.golden.capture.fidelity import layer_closeness

    near = layer_closeness(layer_inputs, load_arch("spatten", [f"softmax.kind={kind}"]), precision)

    assert len(near) == 6
    assert min(n.cosine for n in near) >= cosine
    assert max(n.error for n in near) <= error


@pytest.mark.parametrize(
    ("trace", "line", "local"),
    [(WHOLE, "make_trace --out", "decode"), (LOCAL, "make_trace --value-keep 0.5 --out", "both")],
)
def test_the_shipped_traces_are_what_their_script_makes(minilm_folder, root, trace, line, local):
    from tokensieve.golden.capture.capture import DEFAULT, Request, capture

    script = (root / "scripts" / "make_minilm_trace.sh").read_text()
    schedule = schedule_from({**DEFAULT, "local_values": local})
    captured = capture(
        Request(model="minilm", text=TEXT, arch=load_arch("spatten"), schedule=schedule, licence=LICENCE)
    )

    assert LICENCE in script
    assert "--keep 0.9,0.5 --head-keep 0.95,0.75" in script  # the ratios of DEFAULT
    assert f'{line} "$data/{trace.name}"' in script
    assert captured.decisions.digest == Decisions.load(trace).digest


def test_what_is_kept_rests_on_local_value_pruning_so_each_pruning_has_a_trace_of_its_own():
    whole, local = Decisions.load(WHOLE), Decisions.load(LOCAL)

    assert (whole.keys_kept == local.keys_kept).all()
    assert (whole.values_kept == whole.keys_kept[whole.query_row]).all()
    assert (local.values_kept < local.keys_kept[local.query_row]).all()
    assert (whole.token_ids != local.token_ids).any()


@pytest.mark.parametrize("file", [WHOLE, LOCAL])
def test_the_shipped_traces_hold_512_words_and_say_where_they_come_from(file):
    trace = Decisions.load(file)

    assert (trace.layers, trace.heads, trace.head_dim, trace.phase) == (6, 12, 32, "prefill")
    assert trace.token_text is not None
    assert len(trace.token_text) == 512
    assert trace.token_text[:4] == ("[CLS]", "Alice", "was", "beginning")
    assert "public domain" in trace.meta["licence"]
    assert trace.meta["source"] == "captured"
    assert trace.keys_kept.max() == 512
    assert file.stat().st_size < 1.2e6


def test_the_shipped_probabilities_are_what_their_script_makes(minilm_folder):
    from tokensieve.golden.capture.probabilities import probabilities

    assert (probabilities("minilm", TEXT) == minilm_probabilities()).all()


def test_the_shipped_probabilities_are_those_of_the_model(minilm_folder):
    """To what is left after Q and K were rounded to 12 bits."""
    from tokensieve.golden.capture.attach import load_model
    from tokensieve.golden.capture.source import ModelFolder, read_tokens

    folder = ModelFolder.of("minilm")
    model, tokens = load_model(folder), read_tokens(TEXT, folder, None)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        layers = model(input_ids=torch.tensor([tokens.ids]), output_attentions=True).attentions
    ours = torch.from_numpy(minilm_probabilities() / 2**24).reshape(4, 12, 6, 512)

    for number, head, layer in ((0, 0, 0), (1, 5, 1), (2, 3, 3), (3, 11, 5)):
        theirs = layers[layer][0, head, (128 * number + 37 * (12 * layer + head)) % 512]
        assert (ours[number, head, layer] - theirs).abs().max() < 1e-3 * theirs.max() + 1e-4


def test_captures_are_the_same_bytes_with_one_and_two_threads(minilm_folder, tmp_path):
    from tokensieve.golden.capture.capture import Request, capture

    files = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        file = tmp_path / f"{threads}.npz"
        capture(Request(model="minilm", text=TEXT, arch=load_arch("spatten"), tokens=64)).decisions.save(file)
        files.append(file.read_bytes())

    assert files[0] == files[1]
