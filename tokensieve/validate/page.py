"""The files of the accuracy page: Markdown, pictures and the JSON object."""

from collections import Counter
from collections.abc import Sequence

from tokensieve.report.accuracy import page
from tokensieve.report.markdown import table
from tokensieve.validate.catalogue import SECTIONS
from tokensieve.validate.record import to_json
from tokensieve.validate.section import Outcome
from tokensieve.validate.texts import part, pictures

HEAD = """\
# Accuracy

<!-- Generated: make validate -->

What others published or measured, beside what this project models. Every row that can be computed is here, whether it
agrees or not; [how to read and redo it](../how-to/validate.md) says what a verdict means and what is not claimed.

A row is **in** or **OUT** of its band, or only **printed** where a band would say nothing. Bands were set before the
figures were known. A row that assumes something (its remark says what) fails nobody; any other row that is out of its
band makes the command leave with exit code 1. No figure has an efficiency factor, and no constant was fitted to a row.
Rows called *release* or *formula* restate a model of others: in their band, they say that it was read rightly.\
"""

TAIL = """\
## What cannot be validated

No public data exist for: the bars of single benchmarks (Figs. 14, 15), the slices of area and power except for the
top-k engines (Fig. 13), the points of the roofline and the design space (Figs. 18, 19), the curves of accuracy against
pruning (Fig. 21), the ratios, widths and lengths of the BERT tasks and of seven of the eight GPT-2 ones, and the
accuracy of single tasks.

Check 28, the speedups of 162x to 5071x over CPUs and GPUs and the energy savings of 406x to 4059x, are ratios to
latencies that other machines had in the paper's laboratory. To measure other machines would validate nothing.\
"""


def files(outcomes: Sequence[Outcome]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of the page, and those of its folder of pictures."""
    told = {
        "accuracy.md": page([part(one) for one in outcomes], _head(outcomes), TAIL).encode(),
        "accuracy.json": to_json(outcomes).encode(),
    }
    return told, {name: data for one in outcomes for name, data in pictures(one).items()}


def _head(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for one in outcomes:
        verdicts = Counter(row.verdict for row in one.rows)
        failing = sum(row.fails for row in one.rows)
        assumed = verdicts["out"] - failing
        cells = [verdicts["in"], failing, assumed, verdicts["printed"]]
        rows.append([one.title, *(("left out",) * 4 if one.section is None else map(str, cells))])
    titles = ["section", "in", "OUT", "OUT, with an assumption", "printed"]
    asked = [one.name for one in outcomes]
    part = "" if asked == list(SECTIONS) else f"\n\n**Only these sections were asked for**: {', '.join(asked)}."
    return HEAD + part + "\n\n" + table(titles, rows)
