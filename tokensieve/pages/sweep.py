"""The reference page of a sweep file: ``python -m tokensieve.pages.sweep > docs/reference/sweep-file.md``."""

from pydantic import BaseModel

from tokensieve.arch.presets import meaning
from tokensieve.explore.axes import MOST_VALUES, Span
from tokensieve.explore.columns import FIGURES, RATIOS, TOTALS
from tokensieve.explore.spec import MOST_POINTS, Sampler, SweepFile
from tokensieve.explore.tally import KNEE
from tokensieve.report.markdown import table

_INTRO = """\
# Sweep files

<!-- Generated: python -m tokensieve.pages.sweep > docs/reference/sweep-file.md -->

`tokensieve sweep FILE` prices every design that a YAML file describes, and says which one to take; the tutorial
[which design?](../tutorial/which-design.md) shows how. `tokensieve schema sweep` prints the JSON Schema. Unknown
keys are errors.

<!-- file: engines.yaml -->
```yaml
arch: spatten
workloads: {bert-base-cola: 2, bert-base-rte: 1}
axes:
  topk.engine: [quickselect, radix]
  topk.lanes: {low: 8, high: 32, times: 2}
  softmax.lanes: [4, 8]
derived:
  softmax.fifo_lines: max_tokens / lanes
constraints: [area_mm2.total < 13]
objectives: [seconds, area_mm2.total]
```

```console
$ tokensieve sweep engines.yaml --dry-run
12 designs, 24 design points.
...
```

Flags of the command replace keys of the file: `--set topk.lanes=8,16` an axis, `--set topk.lanes=8` a field that
all designs share, `--arch`, `--workload`, `--trace`, `--level`, `--reference` and `--seed` the keys of their names.
Without a file, the flags are the sweep. In Python, `tokensieve.sweep` does the same
([notebook](../tutorial/explore.ipynb)).

`tokensieve search FILE` [searches](../how-to/search.md) the same space: every combination of the axes, whatever
`sampler` says. All other keys mean what they mean here; `--seed` is that of the search.
"""

_AXES = f"""\
## What may be swept

* Any field of the machine by dotted path ([architecture files](arch.md)): `topk.lanes`, `dram.nCL`.
* `arch`: presets or files, and `dram.extend`: DRAM configurations. Other axes are laid on top of them.
* `workload` and `trace`: names and files. `workload.context`, `workload.layers` and other fields of a
  [workload](workload.md), and `policy.token`, `policy.value` and other fields of its pruning schedule; not on a
  captured trace.

`importance.lanes` follow `softmax.lanes` in a sweep as in a run, unless the sweep names them or those of the machine
that it starts from differ.

An axis is a list of at most {MOST_VALUES:,} values, or a span:
"""

_FORMULAS = f"""\
## Formulas

`derived`, `constraints` and `objectives` are formulas of numbers, names, `+ - * / // % **`, comparisons, `and`,
`or`, `not`, and `min`, `max`, `abs`, `ceil`, `floor`, `round`, `sqrt`, `log2`. They are computed in double
precision; a derived value that is a whole number is one, any other is refused by a field that must be whole.
Nothing else is executed. Text, such as `topk.engine`, is compared with text alone, and not computed with. A design with
an objective that is no number, a division by zero for example, is not valid.

In `derived`, a name is an axis, a parameter, a field by dotted path, a field of the same group (`lanes` in
`softmax.fifo_lines` is `softmax.lanes`), or the one field of the machine that ends so (`max_tokens` is
`topk.max_tokens`). `constraints` and `objectives` also name figures of the result, as `result.json` has them:

{", ".join(f"`{name}`" for name in (*FIGURES, *(column.name for column in TOTALS if column.name != "reference.kind")))}.

Figures of `fpga` are what one top-k engine of the machine takes of an ECP5 and how fast it is there, *modelled* from
its parameters at any level ([how far off](fpga.md#the-model-of-the-top-k-engines)): `fpga.lut < 80000` is a
constraint. Nothing else of the machine is counted. `fpga.extrapolated` counts the fields that are outside of what was
recorded, 0 for none, `fpga.fmax_extrapolated` those outside of what was placed. A machine whose engine there is no RTL
of has no such figures, and satisfies no constraint on them.

{", ".join(f"`{name}`" for name in RATIOS)} and the figures of `reference` need the key `reference`. A constraint that
names fields alone is checked before a design is priced; [how to constrain a sweep](../how-to/constrain-a-sweep.md).

## What comes of a design

* **refused**: no machine, by a rule of [architecture files](arch.md), or the work does not fit it. Refused designs
  are counted by rule, and stored with it; they stop nothing.
* **failed**: it ended in an error, which is counted and stored. The next run of the sweep tries it again.
* **valid**: priced on all workloads, all constraints satisfied. A sweep without a valid design ends with exit code
  2.

The **best** design has the best first objective, of equal ones the best second. The **knee** is the design with the
best second objective among those within {100 * KNEE:g} % of the best first one; with one objective, area is the
second. A sweep of up to 40 priced designs is printed whole, of a larger one the front: designs that no other beats
in both objectives.

A grid has at most {MOST_POINTS:,} designs. `--workers N` processes share the work; Ctrl-C stops it within a second.
With `--store FILE` what is done is kept, and the same command goes on from there:
[how to resume](../how-to/resume-a-sweep.md). `--scheduler ADDRESS` and `--local-cluster` hand the work to
[Dask](../how-to/cluster.md).
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join(
        [
            _INTRO,
            _fields("Keys", SweepFile),
            _AXES,
            _table(Span),
            "",
            _fields("`sampler`", Sampler),
            _FORMULAS.rstrip(),
        ]
    )


def _fields(title: str, model: type[BaseModel]) -> str:
    return f"## {title}\n\n{_table(model)}\n"


def _table(model: type[BaseModel]) -> str:
    rows = [[f"`{name}`", _default(model, name), meaning(model, name)] for name in model.model_fields]
    return table(["key", "default", "meaning"], rows)


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    value = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if isinstance(value, BaseModel):
        return "`grid`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return (
        "" if value is None or value in ({}, []) else f"`{value if isinstance(value, str | int) else ', '.join(value)}`"
    )


if __name__ == "__main__":
    print(page())
