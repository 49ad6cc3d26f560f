"""Small cells hidden so that no row or column total lets them be computed again.

Primary suppression hides counts from 1 to k - 1, complementary suppression further cells of the same row and column,
zeros among them where nothing else is left (Willenborg & de Waal, Elements of Statistical Disclosure Control, 2001,
ch. 6). A table with its totals is a network, so whether a hidden count could be another whole number is a search for
a cycle in the residual network: exact, without a solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

import polars as pl

Cell = tuple[int, int]  # row and column
Node = tuple[str, int]
_TOLERANCE = 1e-6
FREE: Node = ("free", 0)  # a row or column of one cell: its total is that cell, and as little shown


@dataclass(frozen=True, slots=True, eq=False)
class Suppression:
    """A table that can leave, and what that cost.

    Attributes
    ----------
    frame : as given, with every number beside ``by`` empty (null) where the count is hidden.
    n_cells : cells with a count; n_small : hidden because they are small; n_beside : hidden beside them.
    n_customers, n_hidden_customers : sums of the counts, of all cells and of the hidden ones.
    """

    frame: pl.DataFrame
    n_cells: int
    n_small: int
    n_beside: int
    n_customers: float
    n_hidden_customers: float

    @property
    def n_hidden(self) -> int:
        return self.n_small + self.n_beside


def suppress(frame: pl.DataFrame, by: Sequence[str], counts: str, k: int = 10) -> Suppression:
    """Hide counts from 1 to ``k`` - 1, and as many others as it takes.

    Parameters
    ----------
    frame : one row per cell. The first of ``by`` is the row, the others together the column of the table (with one
        of ``by`` it is one row). Whoever reads it is taken to know every total of a row and of a column, even those
        that no table shows.
    counts : numbers of customers (a mean is judged by the whole number below); null where a cell is not defined.
    """
    rows = _codes(frame, by[:1] if len(by) > 1 else ())
    columns = _codes(frame, by[1:] if len(by) > 1 else by)
    values = frame[counts].cast(pl.Float64).floor().cast(pl.Int64).to_list()
    cells = list(zip(rows, columns, strict=True))
    table: dict[Cell, int] = {}
    for cell, value in zip(cells, values, strict=True):
        if value is not None:
            table[cell] = table.get(cell, 0) + value
    hidden = hide(table, k)
    mask = pl.Series([cell in hidden for cell in cells], dtype=pl.Boolean)
    measures = [name for name, dtype in frame.schema.items() if dtype.is_numeric() and name not in by]
    safe = frame.with_columns(pl.when(~mask).then(pl.col(name)).otherwise(None).alias(name) for name in measures)
    small = sum(1 for cell in hidden if 0 < table[cell] < k)
    return Suppression(
        safe,
        len(table),
        small,
        len(hidden) - small,
        float(sum(table.values())),
        float(sum(table[cell] for cell in hidden)),
    )


def hide(table: dict[Cell, int], k: int) -> set[Cell]:
    """The cells of a table to hide. All of them where the whole table holds fewer than ``k`` customers."""
    if sum(table.values()) < k:
        return set(table)
    hidden = {cell for cell, value in table.items() if 0 < value < k}
    lines = _lines(table)
    while True:
        more = _beside_thin(lines, table, hidden, k) or _beside_derivable(lines, table, hidden)
        if not more:
            return hidden
        hidden |= more


def hide_in_lines(values: Sequence[int], lines: Sequence[Sequence[int]], k: int, fixed: Iterable[int] = ()) -> set[int]:
    """The cells to hide where totals run in more than two directions, as in cohorts: each month's total is known too.

    Such a table is no network, so the least and the largest value that each small cell could have are found by linear
    programming (SciPy's HiGHS), every total of ``lines`` taken as known; as long as they leave one whole number only,
    further cells of its lines are hidden. ``fixed`` are cells that another figure tells anyway: hiding them is no use.
    """
    shown = set(fixed)
    hidden = {i for i, value in enumerate(values) if 0 < value < k}
    through: dict[int, list[Sequence[int]]] = {}
    for line in lines:
        for i in line if len(line) > 1 else ():
            through.setdefault(i, []).append(line)
    for i in sorted(hidden):
        while not _is_open(i, values, lines, hidden):
            near = [j for line in through.get(i, ()) for j in line]
            offered = [j for j in near or range(len(values)) if j not in hidden and j not in shown]
            offered = offered or [j for j in range(len(values)) if j not in hidden and j not in shown]
            if not offered:
                break
            hidden.add(min(offered, key=lambda j: (not values[j], values[j], j)))
    return hidden


def _is_open(cell: int, values: Sequence[int], lines: Sequence[Sequence[int]], hidden: set[int]) -> bool:
    """Whether the totals leave a hidden count more than one whole number."""
    from scipy.optimize import linprog

    order = sorted(hidden)
    at = {i: place for place, i in enumerate(order)}
    rows, totals = [], []
    for line in lines:
        gone = [i for i in line if i in hidden]
        if gone and len(line) > 1:
            row = [0.0] * len(order)
            for i in gone:
                row[at[i]] = 1.0
            rows.append(row)
            totals.append(float(sum(values[i] for i in gone)))
    if not rows:
        return True
    goal = [0.0] * len(order)
    ends = []
    for sign in (1.0, -1.0):
        goal[at[cell]] = sign
        solved = linprog(goal, A_eq=rows, b_eq=totals, bounds=(0, None))
        if solved.status != 0:  # nothing bounds it
            return True
        ends.append(sign * float(solved.fun))
    return floor(ends[1] + _TOLERANCE) > ceil(ends[0] - _TOLERANCE)


def _nodes(table: dict[Cell, int]) -> dict[Cell, tuple[Node, Node]]:
    """The row and the column of each cell as nodes; those of a single cell bind nothing."""
    sizes: dict[Node, int] = {}
    for row, column in table:
        for node in (("row", row), ("column", column)):
            sizes[node] = sizes.get(node, 0) + 1

    def named(node: Node) -> Node:
        return node if sizes[node] > 1 else FREE

    return {cell: (named(("row", cell[0])), named(("column", cell[1]))) for cell in table}


def _lines(table: dict[Cell, int]) -> dict[Node, list[Cell]]:
    """The cells of every row and column that has more than one."""
    lines: dict[Node, list[Cell]] = {}
    for cell, nodes in _nodes(table).items():
        for node in nodes:
            if node != FREE:
                lines.setdefault(node, []).append(cell)
    return lines


def _cheapest(cells: Sequence[Cell], table: dict[Cell, int], hidden: set[Cell]) -> set[Cell]:
    """The next cell to hide, if any is left: the smallest count, a zero last."""
    offered = [cell for cell in cells if cell not in hidden]
    return {min(offered, key=lambda cell: (not table[cell], table[cell], cell))} if offered else set()


def _beside_thin(lines: dict[Node, list[Cell]], table: dict[Cell, int], hidden: set[Cell], k: int) -> set[Cell]:
    """Cells to hide in lines with one hidden cell, or with fewer than ``k`` hidden customers among ``k`` or more."""
    for cells in lines.values():
        gone = [cell for cell in cells if cell in hidden]
        n_gone, total = sum(table[cell] for cell in gone), sum(table[cell] for cell in cells)
        if gone and (len(gone) == 1 or n_gone < min(k, total)):
            more = _cheapest(cells, table, hidden)
            if more:
                return more
    return set()


def _beside_derivable(lines: dict[Node, list[Cell]], table: dict[Cell, int], hidden: set[Cell]) -> set[Cell]:
    """Cells to hide because some hidden count has a single possible value."""
    nodes = _nodes(table)
    arcs = _arcs(table, hidden, nodes)
    for cell in sorted(hidden):
        if table[cell] and not _is_ambiguous(cell, table, nodes, arcs):
            near = [other for node in nodes[cell] if node != FREE for other in lines[node]]
            # Where hiding everything near does not help, a longer way round through the table may.
            more = _cheapest(near, table, hidden) or _cheapest(list(table), table, hidden)
            if more:
                return more
    return set()


def _arcs(
    table: dict[Cell, int], hidden: set[Cell], nodes: dict[Cell, tuple[Node, Node]]
) -> dict[Node, list[tuple[Node, Cell]]]:
    """What can move: raising a count by one leads from its row to its column, lowering it leads back."""
    arcs: dict[Node, list[tuple[Node, Cell]]] = {}
    for cell in hidden:
        row, column = nodes[cell]
        arcs.setdefault(row, []).append((column, cell))
        if table[cell]:
            arcs.setdefault(column, []).append((row, cell))
    return arcs


def _is_ambiguous(
    cell: Cell,
    table: dict[Cell, int],
    nodes: dict[Cell, tuple[Node, Node]],
    arcs: dict[Node, list[tuple[Node, Cell]]],
) -> bool:
    """Whether a hidden count could be another whole number, everything shown and every total staying as it is."""
    row, column = nodes[cell]
    moves = [(row, column), *([(column, row)] if table[cell] else [])]
    for start, goal in moves:
        # The move leads from start to goal; the other hidden cells must lead back.
        seen, waiting = {goal}, [goal]
        while waiting:
            for following, over in arcs.get(waiting.pop(), ()):
                if over != cell and following not in seen:
                    seen.add(following)
                    waiting.append(following)
        if start in seen:
            return True
    return False


def _codes(frame: pl.DataFrame, by: Sequence[str]) -> list[int]:
    """Numbers from 1 on for the distinct values of ``by``; all 1 where there is nothing to tell apart."""
    if not by:
        return [1] * frame.height
    return frame.select(pl.struct(*by).rank("dense")).to_series().cast(pl.Int64).to_list()
