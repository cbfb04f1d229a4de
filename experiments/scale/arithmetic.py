"""What a billion entities and a hundred billion edges would take, from constants that were measured here.

python -m experiments.scale.arithmetic                           # rewrites the tables of docs/clusters.md
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "clusters.md"
BEGIN, END = "<!-- arithmetic: begin -->", "<!-- arithmetic: end -->"
Lines = list[dict[str, Any]]

ENTRY_BYTES = 8  # float32 and int32
FLOAT = 4
SENT_ENTRY_BYTES = 16  # two int32 and a float64
MOST_GATHERED = 1 << 35  # bytes, see `sharded.GATHERED_BYTES`
MOST_ENTRIES = 2**31 - 1  # of one device
GATHERED_COLUMNS = 32
OUTSIDE = 0.05  # of the entries of a graph in a good order


@dataclass(frozen=True)
class Work:
    """Entities, edges read, and columns."""

    nodes: float = 1e9
    edges: float = 1e11
    dim: int = 128

    @property
    def entries(self) -> float:
        """Stored entries of the operator, at most: both directions, and the diagonal."""
        return 2 * self.edges + self.nodes


@dataclass(frozen=True)
class Machine:
    """Cores, bytes of memory, bytes a second that come in from the network (100 Gbit/s)."""

    cores: int = 64
    memory: float = 512e9
    network: float = 12.5e9


@dataclass(frozen=True)
class Constants:
    """What was measured.

    Args:
        cores: of the machine that measured.
        entry_ns: nanoseconds per entry of a product with as many columns as the key says.
        row_ns: nanoseconds per row of the dense part of a step, by dimensions.
        line_bytes, name_bytes: at most while reading, per edge and per distinct name that a process meets.
        held_line_bytes, held_name_bytes: of these, what is held on.
        building_bytes: at most while building, per entry that a process owns, beside what is held and a slice of lines.
        running_bytes: at most while running, per row and column that a process owns, beside operator and gathered rows.
        lines_per_second: read by one process, one core.
    """

    cores: int
    entry_ns: dict[int, float]
    row_ns: dict[int, float]
    line_bytes: float
    name_bytes: float
    held_line_bytes: float
    held_name_bytes: float
    building_bytes: float
    running_bytes: float
    lines_per_second: float


class Figures(NamedTuple):
    """Of each machine: bytes, bytes received in a step, seconds of a step and of what comes before."""

    reading: float
    building: float
    running: float
    gathered_columns: int
    traffic: float
    product: float
    dense: float
    gather: float
    before: float
    enough: bool

    @property
    def memory(self) -> float:
        """At most."""
        return max(self.reading, self.building, self.running)

    @property
    def step(self) -> float:
        """Products, dense part and gathers, one after the other."""
        return self.product + self.dense + self.gather


def remote_share(entries_per_row: float, outside: float, parts: int) -> float:
    """Of the rows of other parts, the share that a part's product needs: each of its entries that lead outside, a share
    `outside` of all, hits one of them at random.

    Example:
        >>> round(remote_share(200, 0.99, 100), 3), round(remote_share(200, 0.05, 100), 3)
        (0.865, 0.096)
    """
    return 1 - math.exp(-entries_per_row * outside / (parts - 1)) if parts > 1 else 0.0


def met(names: float, mentions: float) -> float:
    """How many of so many names are met by so many mentions at random."""
    return names * (1 - math.exp(-mentions / names))


def figures(work: Work, machine: Machine, machines: int, known: Constants) -> Figures:
    """What each of some machines holds, gets, and takes, as the code stands: rows of all are gathered."""
    lines, rows, entries = work.edges / machines, work.nodes / machines, work.entries / machines
    names = met(work.nodes, 2 * lines)
    columns = int(min(GATHERED_COLUMNS, max(1, MOST_GATHERED // (FLOAT * work.nodes))))
    held = lines * known.held_line_bytes + names * known.held_name_bytes
    operator = entries * ENTRY_BYTES
    gathered = work.nodes * FLOAT * columns if machines > 1 else 0
    faster = known.cores / machine.cores
    traffic = FLOAT * work.nodes * work.dim * (1 - 1 / machines)
    running = held + operator + gathered + rows * work.dim * known.running_bytes
    before = lines / known.lines_per_second + SENT_ENTRY_BYTES * entries * (1 - 1 / machines) / machine.network
    return Figures(
        reading=lines * known.line_bytes + names * known.name_bytes,
        building=held + entries * known.building_bytes,
        running=running,
        gathered_columns=columns,
        traffic=traffic,
        product=entries * work.dim / columns * entry_ns(known, columns) * 1e-9 * faster,
        dense=rows * known.row_ns[work.dim] * 1e-9 * faster,
        gather=traffic / machine.network,
        before=before,
        enough=entries <= MOST_ENTRIES,
    )


def entry_ns(known: Constants, columns: int) -> float:
    """Nanoseconds per entry with so many columns: those of the nearest width that was measured, from below."""
    return known.entry_ns[max((width for width in known.entry_ns if width <= columns), default=min(known.entry_ns))]


def constants_of(lines: Lines) -> Constants:
    """The constants, of the lines that `constants.py` writes."""
    dense, heavy, wide, tiny = (
        {line["dim"]: line["ns_per_row"] for line in lines if line["kind"] == "dense"},
        *(line for line in lines if line["kind"] == "share"),
    )
    products = [line for line in lines if line["kind"] == "product" and line["graph"] == "random"]
    line_bytes, name_bytes = _solved(heavy, wide, "reading", tiny)
    held_line, held_name = _solved(heavy, wide, "held", tiny)
    entries = 2 * heavy["lines_here"] + heavy["rows_here"]
    rows = wide["rows_here"] * wide["dim"]
    operator = ENTRY_BYTES * (2 * wide["lines_here"] + wide["rows_here"])
    gathered = FLOAT * GATHERED_COLUMNS * wide["entities"]
    return Constants(
        cores=heavy["cores"],
        entry_ns={line["columns"]: line["ns_per_entry"] for line in products},
        row_ns=dense,
        line_bytes=line_bytes,
        name_bytes=name_bytes,
        held_line_bytes=held_line,
        held_name_bytes=held_name,
        building_bytes=max(heavy["building"] - heavy["held"], 0) / entries,
        running_bytes=max(wide["running"] - wide["held"] - operator - gathered, 0) / rows,
        lines_per_second=heavy["lines_here"] / heavy["seconds_reading"],
    )


def _solved(one: dict[str, Any], other: dict[str, Any], what: str, tiny: dict[str, Any]) -> tuple[float, float]:
    """Bytes per line and per name of two runs, beside what a tiny one takes."""
    (a, b), (c, d) = ((run["lines_here"], run["names_here"]) for run in (one, other))
    first, second = one[what] - tiny[what], other[what] - tiny[what]
    scale = a * d - b * c
    return max((first * d - second * b) / scale, 0.0), max((a * second - c * first) / scale, 0.0)


def tables(lines: Lines, machines: Iterable[int] = (128, 256, 512, 1024)) -> str:
    """The constants, what they come to, and what a halo would save: three tables."""
    known, work, machine = constants_of(lines), Work(), Machine()
    return "\n\n".join(
        [_constants(lines, known), _figures(work, machine, machines, known), _halo(work, machine, machines)]
    )


def _constants(lines: Lines, known: Constants) -> str:
    loopback = next(line for line in lines if line["kind"] == "loopback")
    body = [
        *([f"product, random graph, {width} columns at once", f"{ns:.1f} ns an entry"]
          for width, ns in known.entry_ns.items()),
        *([f"the rest of a step, {dim} dimensions", f"{ns:,.0f} ns a row"] for dim, ns in known.row_ns.items()),
        ["reading, at most", f"{known.line_bytes:.0f} bytes an edge, {known.name_bytes:.0f} a name"],
        ["held from reading on", f"{known.held_line_bytes:.0f} bytes an edge, {known.held_name_bytes:.0f} a name"],
        ["building, at most beside that", f"{known.building_bytes:.0f} bytes an entry of one's own"],
        ["tables while running", f"{known.running_bytes:.1f} bytes a number of one's own"],
        ["reading and agreeing", f"{known.lines_per_second / 1e6:.2f} million edges a second and process"],
        ["gathered over loopback (no network)", f"{loopback['gather'] / 1e9:.2f} GB/s"],
        ["exchanged over loopback (no network)", f"{loopback['swap'] / 1e9:.2f} GB/s"],
    ]  # fmt: skip
    return _rows(f"on {known.cores} cores|", body)


def _figures(work: Work, machine: Machine, machines: Iterable[int], known: Constants) -> str:
    header = "machines|reading|building|running|fits|received a step|product|rest|gather|step|40 steps|before"
    body = []
    for count in machines:
        told = figures(work, machine, count, known)
        fits = "yes" if told.enough and told.memory <= machine.memory else "no"
        sizes = [gigabytes(size) for size in (told.reading, told.building, told.running)]
        times = [f"{part:.0f} s" for part in (told.product, told.dense, told.gather, told.step)]
        long = [f"{seconds / 3600:.1f} h" for seconds in (40 * told.step, told.before)]
        body.append([count, *sizes, fits, gigabytes(told.traffic), *times, *long])
    least = fewest(work, machine, known)
    return (
        f"{_rows(header, body)}\n\nThe fewest machines on which all fits, at 2³¹ − 1 entries of each at most: {least}."
    )


def fewest(work: Work, machine: Machine, known: Constants) -> int:
    """The fewest machines on which all fits."""
    count = 1
    while not (told := figures(work, machine, count, known)).enough or told.memory > machine.memory:
        count += 1
    return count


def _halo(work: Work, machine: Machine, machines: Iterable[int]) -> str:
    header = "machines|random: rows needed|received a step|gather|good order: rows needed|received a step|gather"
    body = []
    for count in machines:
        cells: list[str] = []
        for share in (1 - 1 / count, OUTSIDE):
            needed = remote_share(work.entries / work.nodes, share, count)
            traffic = needed * FLOAT * work.nodes * work.dim * (1 - 1 / count)
            cells += [f"{needed:.0%}", gigabytes(traffic), f"{traffic / machine.network:.1f} s"]
        body.append([count, *cells])
    return _rows(header, body)


def gigabytes(size: float) -> str:
    """Bytes for people, in units of 10⁹."""
    return f"{size / 1e9:,.0f} GB"


def _rows(header: str, body: Iterable[Iterable[Any]]) -> str:
    names = header.split("|")
    rule = "|".join(["---", *["--:"] * (len(names) - 1)])
    return "\n".join([f"| {' | '.join(names)} |", f"|{rule}|", *(f"| {' | '.join(map(str, row))} |" for row in body)])


def page(text: str, lines: Lines) -> str:
    """A page with what stands between its marks written anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables(lines)}\n\n{END}{rest.split(END)[1]}"


def recorded() -> Lines:
    """The lines of constants.jsonl."""
    return [json.loads(line) for line in (HERE / "constants.jsonl").read_text().splitlines()]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), recorded()))
