"""``tokensieve workloads``: list and show the named workloads."""

import json as json_text
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import JsonOption, say, width

if TYPE_CHECKING:
    from tokensieve.report.table import Table
    from tokensieve.workloads.decisions import Decisions
    from tokensieve.workloads.workload import Workload

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def workloads(context: typer.Context, json: JsonOption = False) -> None:
    """List the named workloads, or show one."""
    if context.invoked_subcommand is not None:
        if json:
            raise typer.BadParameter(f"--json goes behind {context.invoked_subcommand!r}")
        return
    _list(json)


@app.command("list", hidden=True)
def list_workloads(json: JsonOption = False) -> None:
    """List the named workloads."""
    _list(json)


def _list(json: bool) -> None:
    from tokensieve.workloads.benchmarks import CAPTURED, find_workload, workload_names

    found = {name: None if name in CAPTURED else find_workload(name) for name in workload_names()}
    if json:
        print(json_text.dumps({n: {"about": about(n, w), "assumptions": len(_assumed(w))} for n, w in found.items()}))
    else:
        say(listing(found).text(width()))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Named workload or YAML file.")],
    json: JsonOption = False,
) -> None:
    """Print a workload: its shape, its schedule, what each layer keeps, and every assumption behind it."""
    from tokensieve.arch.errors import WorkloadError
    from tokensieve.workloads.benchmarks import CAPTURED, find_workload
    from tokensieve.workloads.workload import placed_problem

    workload = None if name in CAPTURED else find_workload(name)
    try:
        shown = _of_trace(name) if workload is None else _of_workload(workload)
    except WorkloadError as problem:
        raise placed_problem(name, problem) from None
    if json:
        print(json_text.dumps(shown, indent=2))
    else:
        say(_page(shown))


def about(name: str, workload: "Workload | None") -> str:
    """Return the workload called `name` in a few words; None stands for a shipped trace."""
    if workload is None:
        kept = "half of the values kept" if name.endswith("-values") else "all values kept"
        return f"captured trace of MiniLM on a text of 512 tokens, {kept} (shipped)"
    layers, heads = workload.layer_count, workload.model.heads
    shape = (
        f"{layers} layer{'s' if layers > 1 else ''} x {heads} head{'s' if heads > 1 else ''} "
        f"of {workload.model.head_dim}"
    )
    if workload.context is not None:
        return f"prefill of {workload.context} tokens, {shape}"
    return f"decode of {workload.steps} tokens after {workload.prompt}, {shape}"


def listing(found: "dict[str, Workload | None]") -> "Table":
    """Return one row per workload."""
    from tokensieve.report.table import Column, Table

    columns = (Column(title="workload", left=True), Column(title="what", left=True), Column(title="assumptions"))
    rows = tuple((name, about(name, w), str(len(_assumed(w)))) for name, w in found.items())
    return Table(title="Workloads (tokensieve workloads show NAME prints all of one)", columns=columns, rows=rows)


def _assumed(workload: "Workload | None") -> list[str]:
    return workload.assumed if workload else []


def _of_workload(workload: "Workload") -> dict[str, Any]:
    from tokensieve.arch.datapath import Topk
    from tokensieve.arch.limits import MAX_TOKENS
    from tokensieve.workloads.complete import complete
    from tokensieve.workloads.size import NO_FORCE, check_size

    fields = workload.model_dump(mode="json", exclude={"published", "assumed"}, exclude_none=True)
    check_size(workload.size, f"{workload.name}: it asks for", otherwise=NO_FORCE)
    decisions = complete(workload.counts(), Topk(max_tokens=MAX_TOKENS), seed=0)
    told = {"published": workload.published, "assumed": decisions.meta["assumed"]}
    return {**fields, "about": about(workload.name, workload), "kept": _kept(decisions), **told}


def _of_trace(name: str) -> dict[str, Any]:
    from tokensieve.workloads.benchmarks import CAPTURED
    from tokensieve.workloads.decisions import Decisions

    decisions = Decisions.load(CAPTURED[name]())
    meta = dict(decisions.meta)
    assumed = meta.pop("assumed")
    return {
        "name": name,
        **meta,
        "about": about(name, None),
        "kept": _kept(decisions),
        "published": [],
        "assumed": assumed,
    }


def _kept(decisions: "Decisions") -> list[dict[str, int]]:
    """Return what each layer of the last step keeps; where values differ between queries, the most."""
    step = decisions.steps - 1
    kept = []
    for layer in range(decisions.layers):
        rows = (decisions.row_index[:, 0] == step) & (decisions.row_index[:, 1] == layer)
        values = int(decisions.values_kept[rows[decisions.query_row]].max())
        kept.append({"keys": int(decisions.keys_kept[rows][0]), "values": values, "heads": int(rows.sum())})
    return kept


def _page(shown: dict[str, Any]) -> str:
    from tokensieve.report.table import Column, Table

    skipped = {"name", "about", "kept", "published", "assumed"}
    lines = [f"{shown['name']}: {shown['about']}", ""]
    lines += _fields({name: value for name, value in shown.items() if name not in skipped}, "")
    rows = tuple((str(i), *(str(v) for v in layer.values())) for i, layer in enumerate(shown["kept"]))
    columns = (Column(title="layer"), *(Column(title=name) for name in ("keys", "values", "heads")))
    lines += ["", Table(title="Kept in the last step", columns=columns, rows=rows).text(width()).rstrip("\n"), ""]
    lines += [f"published: {sentence}" for sentence in shown["published"]]
    lines += [f"assumed: {sentence}" for sentence in shown["assumed"]]
    return "\n".join(lines)


def _fields(fields: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in fields.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_fields(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {json_text.dumps(value)}")
    return lines
