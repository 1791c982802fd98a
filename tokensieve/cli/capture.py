"""``tokensieve capture``: run a real transformer on a text under golden pruning and write its decisions."""

import json as json_text
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SeedOption, SetOption, arch_file, say

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.arch.yamlio import Lines
    from tokensieve.golden.capture.capture import Capture
    from tokensieve.workloads.schedule import Schedule

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_RATIOS = {"--keep": "token", "--head-keep": "head", "--value-keep": "value"}
"""Options that give the ratios of a schedule, each with the field that it fills."""

HINT = "pip install -e '.[golden,models]'"


@app.command()
def capture(
    model: Annotated[str, typer.Option("--model", metavar="DIR|minilm", help="Folder of a Hugging Face model.")],
    text: Annotated[str, typer.Option("--text", metavar="FILE", help="UTF-8 text that the model reads.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE.npz", help="Where the decisions go.")],
    tokens: Annotated[int | None, typer.Option("--tokens", min=1, metavar="N", help="Cut the text there.")] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, metavar="N", help="Tokens that a causal model generates. [default: 8]"),
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="FILE", help="Pruning schedule, a YAML file.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option("--keep", metavar="R[,R]", help="Share of tokens kept, first and last. [default: 0.9,0.5]"),
    ] = None,
    head_keep: Annotated[
        str | None,
        typer.Option("--head-keep", metavar="R[,R]", help="Share of heads kept, first and last. [default: 0.95,0.75]"),
    ] = None,
    value_keep: Annotated[
        str | None,
        typer.Option(
            "--value-keep", metavar="R", help="Share of values kept. [default: 0.5 in decode, all in prefill]"
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option("--licence", metavar="TEXT", help="Licence of the text and the model, for the record.")
    ] = "not stated",
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Run a real transformer on a text under golden pruning; write its decisions and print what the pruning changed."""
    from tokensieve.arch import load_arch

    ratios = {"--keep": keep, "--head-keep": head_keep, "--value-keep": value_keep}
    if schedule is not None and any(text is not None for text in ratios.values()):
        raise typer.BadParameter("--schedule excludes --keep, --head-keep and --value-keep")
    target = _target(out, {"--text": text, "--schedule": schedule, "--arch": arch_file(arch)})
    machine = load_arch(arch, sets or ())
    given = {_RATIOS[option]: _given(option, text) for option, text in ratios.items() if text is not None}
    read, lines = (None, {}) if schedule is None else _read(schedule)
    _require_packages()
    from tokensieve.golden.capture.scratch import own_scratch

    with _of_schedule(schedule, lines), own_scratch():  # PyTorch's compiler makes a folder where it is loaded
        _check_early(model, Path(text), tokens, steps, read, machine)
        from tokensieve.golden.capture.capture import Request
        from tokensieve.golden.capture.capture import capture as run

        request = Request(
            model=model,
            text=Path(text),
            arch=machine,
            schedule=read or _schedule(given),
            tokens=tokens,
            steps=steps,
            seed=seed,
            licence=licence,
        )
        captured = run(request)
    captured.decisions.save(target)
    if json:
        sys.stdout.write(json_text.dumps(summary(captured, out), indent=2) + "\n")
    else:
        say(page(captured, out))


def _target(out: str, read: dict[str, str | None]) -> Path:
    """Return the file of --out, after making sure that it can be made and is none that is read."""
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.report.files import check_apart, check_file

    path = Path(out)
    if path.suffix != ".npz":
        raise WorkloadError(f"--out must be a file that ends in .npz, got {out!r}")
    if path.is_dir():
        raise WorkloadError(f"--out {out}: is a folder")
    if not path.parent.is_dir():
        raise WorkloadError(f"--out {out}: there is no folder {str(path.parent)!r}")
    check_file(path, "--out")
    check_apart([path], "--out", read)
    return path


def _given(option: str, text: str) -> list[str]:
    """Return the ratios of one option, after refusing what no schedule takes, before PyTorch is loaded."""
    from tokensieve.arch.base import build
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.workloads.schedule import Schedule

    field, ratios = _RATIOS[option], [part.strip() for part in text.split(",")]
    build(Schedule, {field: ratios}, WorkloadError, source=option)
    if field != "value" and len(ratios) > 2:
        raise WorkloadError(f"{option} must be one or two ratios, of the first and the last layer, got {len(ratios)}")
    return ratios


def _check_early(
    model: str, text: Path, tokens: int | None, steps: int | None, schedule: "Schedule | None", machine: "Arch"
) -> None:
    """Refuse, before PyTorch is loaded, what can be refused without it: all but what is wrong with the model."""
    from tokensieve.golden.capture.source import ModelFolder, check_room, check_start_step, read_tokens

    folder = ModelFolder.of(model)
    generated = folder.steps(steps)
    if schedule is not None:
        check_start_step(schedule, generated)
    read = read_tokens(text, folder, tokens)
    limits = {"topk.max_tokens": machine.topk.max_tokens, f"the window of {folder.name}": folder.window}
    check_room(text, len(read.ids), generated, limits)


@contextmanager
def _of_schedule(file: str | None, lines: "Lines") -> Iterator[None]:
    """Say of what is wrong with a field of the schedule on which line of --schedule it stands."""
    from tokensieve.arch.base import placed
    from tokensieve.arch.errors import WorkloadError

    try:
        yield
    except WorkloadError as problem:
        rule = str(problem).removeprefix("schedule.")
        if file is None or rule == str(problem):
            raise
        raise WorkloadError(placed(rule, lines, file)) from None


def _read(file: str) -> tuple["Schedule", "Lines"]:
    """Return the schedule of --schedule, and the line of each of its fields."""
    from tokensieve.arch.base import build
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.arch.library import check_kind, check_no_trace
    from tokensieve.arch.yamlio import load_yaml
    from tokensieve.workloads.schedule import Schedule

    check_no_trace(file, "a schedule", WorkloadError, "`tokensieve run --trace`")
    data, lines = load_yaml(Path(file), WorkloadError)
    check_kind(file, data, "a schedule", WorkloadError)
    return build(Schedule, data, WorkloadError, lines, file), lines


def _schedule(given: dict[str, list[str]]) -> "Schedule | None":
    """Return the schedule of the single options; None where none was given."""
    from tokensieve.arch.base import build
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.golden.capture.capture import DEFAULT
    from tokensieve.workloads.schedule import Schedule

    if not given:
        return None
    asked: dict[str, Any] = {**DEFAULT, **given} | ({"local_values": "both"} if "value" in given else {})
    return build(Schedule, asked, WorkloadError, source="schedule")


def _require_packages() -> None:
    """Raise `ToolError` with what to install, where PyTorch or the model's packages are missing."""
    from importlib.util import find_spec

    from tokensieve.arch.errors import ToolError

    missing = [name for name in ("torch", "transformers", "tokenizers", "safetensors") if find_spec(name) is None]
    if missing:
        raise ToolError(f"capture needs {', '.join(missing)}: {HINT}")


def summary(captured: "Capture", out: str) -> dict[str, Any]:
    """Return what --json prints."""
    decisions = captured.decisions
    meta = decisions.meta
    return {
        "out": out,
        **{name: meta[name] for name in ("model", "phase", "layers", "heads", "D", "steps", "text_sha256", "schedule")},
        "tokens": int(decisions.context[0]) - (decisions.phase == "decode"),
        "kept": kept(captured),
        "lsb_refetch": round(float(decisions.lsb_refetch.mean()), 6),
        "fidelity": {name: _rounded(getattr(captured, name)) for name in ("pruned", "random")},
        "digest": decisions.digest,
    }


def kept(captured: "Capture") -> dict[str, list[int]]:
    """Return the tokens, heads and values that each layer of the last step kept."""
    d = captured.decisions
    last = d.row_index[:, 0] == d.steps - 1
    first_row = [int((last & (d.row_index[:, 1] == layer)).argmax()) for layer in range(d.layers)]
    return {
        "tokens": [int(d.keys_kept[r]) for r in first_row],
        "heads": [int(n) for n in d.heads_alive[-1].sum(axis=1)],
        "values": [int(d.values_kept[d.query_ptr[r]]) for r in first_row],
    }


def _rounded(fidelity: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in fidelity.items()}


def page(captured: "Capture", out: str) -> str:
    """Return what is printed for people."""
    told = summary(captured, out)
    lines = [
        f"{told['model']}",
        f"{told['phase']} of {told['tokens']} tokens, {told['layers']} layers of {told['heads']} heads",
        *(f"{name} kept by layer: {' '.join(map(str, counts))}" for name, counts in told["kept"].items()),
        f"rows computed again with the low bits of K: {told['lsb_refetch']:.1%}",
        "",
        f"{'against the dense model':<26}{'pruned':>10}{'random':>10}",
    ]
    both = zip(captured.pruned.items(), captured.random.values(), strict=True)
    lines += [f"{name.replace('_', ' '):<26}{ours:>10.4f}{lot:>10.4f}" for (name, ours), lot in both]
    lines += ["(random keeps as many tokens and heads, drawn by lot)", f"wrote {out}"]
    return "\n".join(lines)
