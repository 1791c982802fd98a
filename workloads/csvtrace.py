"""Readers of the authors' CSV traces: 17 columns (GPT-2, decode) and 15 columns (BERT, prefill).

A row is one head of one layer of one iteration. The last line may name the configuration that the trace was made with.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.reading import not_utf8, open_text, read_bytes
from tokensieve.arch.wholes import whole_number
from tokensieve.workloads.columns import BERT, GPT2, Column, Value, header_problem, kind_of_header
from tokensieve.workloads.complete import Counts
from tokensieve.workloads.csvcounts import WIDE, Row, csv_counts, place
from tokensieve.workloads.resaved import Margins, has_decimal_commas, parses, split_fields
from tokensieve.workloads.size import Size, check_size

_LONGEST_LINE = 1 << 16
_EMPTY = frozenset(("", "NA", "NaN", "nan"))
"""How a field that is not there is written: by the authors, R and pandas."""

_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d*)?")
_SAME_IN_LAYER = ("key_fetch_num", "value_fetch_num", "quant_key_bit", "quant_value_bit")


def read_csv(path: Path | str, force: bool = False) -> Counts:
    """Return the counts in the trace at `path`, or raise `WorkloadError` naming the line and the column at fault.

    More work than runs unasked (`tokensieve.workloads.size`) is refused unless `force` asks for it.
    """
    reader = _Reader(Path(path))
    rows = list(reader.rows())
    if not rows:
        raise WorkloadError(f"{path}: has a header and no rows")
    decode = reader.kind is GPT2
    queries = sum(1 if decode else int(row["key_fetch_num"]) for row in rows)
    vectors = sum(int(row["key_fetch_num"]) + int(row["value_fetch_num"]) for row in rows)
    check_size(Size(queries, vectors), f"{path}: it holds", force)
    return csv_counts(rows, decode)


def read_rows(path: Path | str) -> list[tuple[int, Row]]:
    """Return line and columns of each row of a 17-column file, in file order; the rows may be any, in any order.

    Raises `WorkloadError` naming the line and the column at fault.
    """
    reader = _Reader(Path(path), whole=False)
    rows = [(reader.line, row) for row in reader.rows()]
    if reader.kind is not GPT2:
        raise WorkloadError(f"{path}, line 1: the {len(GPT2)} columns of a decode trace are expected, got {len(BERT)}")
    if not rows:
        raise WorkloadError(f"{path}: has a header and no rows")
    return rows


_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_ARCHIVE = "PK\x03\x04"
"""First bytes of a zip archive."""


@dataclass
class _Reader:
    """Streams the rows of one file, checking each against those before it."""

    path: Path
    whole: bool = True
    """Whether the rows must make up a whole trace, and the columns of a row agree with one another."""

    line: int = 0
    kind: dict[str, Column] | None = None
    """Columns of a known kind of trace, `GPT2` or `BERT`, once the header was read."""

    columns: dict[str, Column] | None = None
    """The same in the order of the file."""

    config_line: int = 0
    seen: bool = False
    """Whether a line followed the header."""

    threshold: Value | None = None
    """Threshold of the rows so far, where one of them has any."""

    margins: Margins = field(default_factory=Margins)
    """What other tools have added to every line; it is passed over."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows, each as a mapping of the 17 columns."""
        order = _Order(self)
        for text in self._lines():
            if text.count('"') % 2:
                self.fail("a quotation mark is not closed; no field goes on in the next line")
            fields = split_fields(text)
            if self.columns is None:
                self._header(fields)
                continue
            if not self.seen and len(fields) == len(self.columns) + 1 and parses(fields[1:], self.columns):
                self.margins = Margins(before=1)  # R's write.table gives the column of row names no name
            fields, self.seen = self.margins.within(fields, len(self.columns)), True
            if self._is_row(fields):
                row = self._row(fields)
                if self.whole:
                    self._within(row)
                    order.check(row)
                yield row
        if self.columns is None:
            raise WorkloadError(f"{self.path}: is empty")
        order.end()

    def fail(self, problem: str) -> NoReturn:
        """Raise the error that names the current line."""
        raise WorkloadError(f"{self.path}, line {self.line}: {problem}")

    def _lines(self) -> Iterator[str]:
        try:
            with open_text(self.path, WorkloadError) as file:
                while text := file.readline(_LONGEST_LINE):
                    self.line += 1
                    self._look(text)
                    if text.strip():
                        yield text.rstrip("\n")
        except UnicodeDecodeError:
            kind = not_utf8(read_bytes(self.path, WorkloadError))
            raise WorkloadError(f"{self.path}: {kind} (after line {self.line})") from None
        except OSError as problem:
            raise WorkloadError(f"{self.path}: cannot be read: {problem.strerror or problem}") from None

    def _look(self, text: str) -> None:
        if "\0" in text:
            self.fail("holds a NUL byte: this is no CSV file")
        if len(text) >= _LONGEST_LINE:
            self.fail(f"is longer than {_LONGEST_LINE} characters")

    def _header(self, fields: list[str]) -> None:
        if fields[0].startswith(_ARCHIVE):
            self.fail("is an archive, such as a workbook of Excel, a CSV file is expected")
        if fields[0].lower().startswith("sep=") or (fields[0].startswith("#") and len(fields) < len(BERT)):
            self.fail(f"the header comes first: remove this line, {fields[0][:40]!r}")
        for separator, name in _SEPARATORS.items():
            if len(fields) == 1 and separator in fields[0]:
                self.fail(f"the columns are separated by {name}, commas are expected")
        self.margins = Margins.of_header(fields)
        fields = fields[self.margins.before : len(fields) - self.margins.after]
        self.kind = kind_of_header(fields)
        if self.kind is None:
            self.fail(header_problem(fields))
        self.columns = {name: self.kind[name] for name in fields}

    def _is_row(self, fields: list[str]) -> bool:
        """Return False for the trailing line with the path of a configuration, which may only come last."""
        if self.config_line:
            raise WorkloadError(f"{self.path}, line {self.config_line}: {_id(self)} must be a whole number from 0")
        if len(fields) > 1 and whole_number(fields[0]) is None and fields[0] and _EMPTY.issuperset(fields[1:]):
            self.config_line = self.line
            return False
        return True

    def _row(self, fields: list[str]) -> Row:
        assert self.columns is not None
        if len(fields) != len(self.columns):
            hint = ", more than the header has" if len(fields) > len(self.columns) else ""
            if has_decimal_commas(fields, self.columns):
                hint = "; decimal numbers have a point, not a comma"
            self.fail(f"{len(self.columns)} fields are expected, got {len(fields)}{hint}")
        row: Row = {}
        for (name, column), text in zip(self.columns.items(), fields, strict=True):
            value = column.parse(text)
            if value is None and _GROUPED.fullmatch(text):
                self.fail(f"{name} has grouped digits, {text[:40]!r}: digits without separators are expected")
            if value is None:
                self.fail(f"{name} must be {column.rule}, got {text[:40]!r}")
            row[name] = value
        self._same_threshold(row)
        if self.kind is BERT:
            fetched = row["key_value_query_fetch_num"]
            row |= {"iteration_id": 0, "key_fetch_num": fetched, "value_fetch_num": fetched}
        return row

    def _same_threshold(self, row: Row) -> None:
        """Refuse a second threshold: a run has one."""
        threshold = row["auto_requant_thres"]
        if self.whole and threshold != -1:
            if self.threshold not in (None, threshold):
                self.fail(
                    f"auto_requant_thres must be -1 or that of the rows before, {self.threshold}, got {threshold}"
                )
            self.threshold = threshold

    def _within(self, row: Row) -> None:
        """Check the fields of one row against each other."""
        for small, large in (("key_fetch_num", "sentence_length_L"), ("value_fetch_num", "key_fetch_num")):
            if row[small] > row[large]:
                self.fail(f"{small} must not be above {large}, got {row[small]} > {row[large]}")
        if row["if_requant"] and row["quant_key_bit"] not in WIDE and row["auto_requant_incre"] < 0:
            self.fail("if_requant is True, but auto_requant_incre is -1")
        if row["if_requant"] and row["quant_key_bit"] not in WIDE and row["auto_requant_thres"] == 0:
            self.fail("auto_requant_thres must be above 0 where if_requant is True, got 0")
        if row["if_topk"] != (row["topk"] > 0):
            self.fail(
                f"topk must be -1 exactly where if_topk is False, got if_topk {row['if_topk']}, topk {row['topk']}"
            )
        if row["topk"] > row["sentence_length_L"]:
            self.fail(f"topk must not be above sentence_length_L, got {row['topk']} > {row['sentence_length_L']}")
        if row.get("auto_requant_num", 0) > row["key_fetch_num"]:
            self.fail(f"auto_requant_num must not be above key_value_query_fetch_num, got {row['auto_requant_num']}")


def _id(reader: _Reader) -> str:
    return next(iter(reader.columns or GPT2))


class _Order:
    """Checks that rows come by iteration, layer and head without gaps, and agree with one another."""

    def __init__(self, reader: _Reader) -> None:
        self.reader, self.layers = reader, 0
        self.previous: Row | None = None
        self._above = 0
        self._last_heads = 0  # heads of the last layer of the iteration before

    def check(self, row: Row) -> None:
        """Check `row` against the rows before it."""
        here, before = place(row), self.previous
        if before is None:
            if here != (0, 0, 0):
                self.reader.fail(f"the first row must be iteration, layer, head 0, 0, 0, got {_shown(here)}")
        elif here not in self._next(place(before)):
            self._misplaced(here, before)
        else:
            self._compare(row, before)
        if before is None or here[:2] != place(before)[:2]:
            self._above = int(before["head_id"]) + 1 if before and here[1] else 0
        if self._above and here[2] >= self._above:
            self.reader.fail(f"head_id must be below {self._above}, the live heads of the layer before, got {here[2]}")
        self.previous = row

    def end(self) -> None:
        """Check that the last iteration is whole, as far as those before it tell."""
        if not (self.previous and self.layers):
            return
        layer, heads = int(self.previous["layer_id"]), int(self.previous["head_id"]) + 1
        if layer != self.layers - 1:
            self.reader.fail(f"the last iteration ends with layer {layer}, the first one has {self.layers} layers")
        if heads < self._last_heads:
            self.reader.fail(
                f"the last iteration ends with head {heads - 1} of its last layer, "
                f"which has {self._last_heads} heads in the iteration before: the trace is cut"
            )

    def _next(self, before: tuple[int, int, int]) -> list[tuple[int, int, int]]:
        step, layer, head = before
        follow = [(step, layer, head + 1)]
        if not self.layers or layer + 1 < self.layers:
            follow.append((step, layer + 1, 0))
        if (not self.layers or layer + 1 == self.layers) and self.reader.kind is GPT2:
            follow.append((step + 1, 0, 0))
        return follow

    def _misplaced(self, here: tuple[int, int, int], before: Row) -> NoReturn:
        want = " or ".join(_shown(place) for place in self._next(place(before)))
        kind = "twice in a row" if here == place(before) else "out of order"
        self.reader.fail(f"row {_shown(here)} comes {kind}: iteration, layer, head must be {want}")

    def _compare(self, row: Row, before: Row) -> None:
        """Check the fields that two neighbours must share."""
        (step, layer, _), (old_step, old_layer, _) = place(row), place(before)
        if step != old_step:
            self.layers = self.layers or old_layer + 1
            self._last_heads = int(before["head_id"]) + 1
            self._grows_by_one(row, before)
        self._same(row, before, "embedding_length_D")
        if step == old_step:
            self._same(row, before, "sentence_length_L")
        if (step, layer) == (old_step, old_layer):
            for name in _SAME_IN_LAYER:
                self._same(row, before, name)
            if before["if_topk"]:
                self.reader.fail("if_topk is True in the row before, which is not the last head of its layer")
        elif step == old_step:
            self._shrinks(row, before)

    def _same(self, row: Row, before: Row, name: str) -> None:
        if row[name] != before[name]:
            self.reader.fail(f"{name} must be that of the row before, {before[name]}, got {row[name]}")

    def _grows_by_one(self, row: Row, before: Row) -> None:
        want = int(before["sentence_length_L"]) + 1
        if row["sentence_length_L"] != want:
            self.reader.fail(
                f"sentence_length_L must be that of the iteration before and one more token, {want}, "
                f"got {row['sentence_length_L']}"
            )

    def _shrinks(self, row: Row, before: Row) -> None:
        most = before["topk"] if before["if_topk"] else before["key_fetch_num"]
        if row["key_fetch_num"] > most or (before["if_topk"] and row["key_fetch_num"] != most):
            rule = f"be the topk of the layer before, {most}" if before["if_topk"] else f"not grow from {most}"
            self.reader.fail(f"key_fetch_num must {rule}, got {row['key_fetch_num']}")


def _shown(place: tuple[int, int, int]) -> str:
    return ", ".join(map(str, place))
