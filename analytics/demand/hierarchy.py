"""Series that add up: what belongs to which sum, and the sums themselves."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analytics.demand.spec import NO_PARENTS, TOTAL, By

REST = "rest"


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Where every line goes, and what adds up to what.

    Attributes
    ----------
    leaf_of : member, leaf (the unique_id that its lines are counted in); a member that is not there, or null, goes to
        ``rest`` ("" where such lines belong to no series).
    parents : unique_id, parent.
    names : unique_id, level, name; one row per series, sums first from the top down, then the members by rank, then
        what is left over.
    """

    leaf_of: pl.DataFrame
    rest: str
    parents: pl.DataFrame
    names: pl.DataFrame

    @property
    def leaves(self) -> list[str]:
        """Series that lines are counted in."""
        sums = set(self.parents["parent"])
        return [unique_id for unique_id in self.names["unique_id"] if unique_id not in sums]

    def kept(self, there: set[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """``parents`` and ``names`` of the series that have a value: those leaves and the sums above them."""
        above = dict(self.parents.iter_rows())
        held = set(there)
        for leaf in there:
            node = leaf
            while node in above:
                node = above[node]
                held.add(node)
        return (
            self.parents.filter(pl.col("unique_id").is_in(list(held))),
            self.names.filter(pl.col("unique_id").is_in(list(held))),
        )


def flat(members: tuple[str, ...], by: str, called: dict[str, str]) -> Tree:
    """Series side by side, without sums."""
    names = pl.DataFrame(
        {
            "unique_id": list(members),
            "level": [by] * len(members),
            "name": ["" if by == TOTAL else called.get(member, member) for member in members],
        },
        schema={"unique_id": pl.String, "level": pl.String, "name": pl.String},
    )
    leaf_of = pl.DataFrame({"member": list(members), "leaf": list(members)}, schema=_LEAF_OF)
    return Tree(leaf_of, "", NO_PARENTS, names)


_LEAF_OF = {"member": pl.String, "leaf": pl.String}


def grown(members: tuple[str, ...], by: str, called: dict[str, str], above: pl.DataFrame, higher: By | None) -> Tree:
    """A tree over ``members``: the total, the sums ``higher`` that hold one of them, and what is left of each.

    ``above`` : member, above, one row per member that has any; members of one sum that are not among ``members`` are
    its rest, all others the rest of the total.
    """
    own, taken = set(members), set(members)
    above_of: dict[str, str] = dict(above.select("member", "above").iter_rows())
    top = _free(TOTAL, taken)
    rest = _free(REST, taken)
    rows: list[tuple[str, str, str]] = [(top, TOTAL, "")]
    edges: list[tuple[str, str]] = []
    sums: dict[str, str] = {}
    for member in members:
        name = above_of.get(member)
        if higher and name is not None and name not in sums:
            sums[name] = _free(f"{higher}: {name}", taken)
            rows.append((sums[name], higher, name))
            edges.append((sums[name], top))
    rows += [(member, by, called.get(member, member)) for member in members]
    edges += [(member, sums.get(above_of.get(member, ""), top)) for member in members]
    leaf_of = [(member, member) for member in members]
    for name, unique_id in sums.items():
        left = [member for member, of in above_of.items() if of == name and member not in own]
        if left:
            own_rest = _free(f"{REST}: {name}", taken)
            rows.append((own_rest, REST, name))
            edges.append((own_rest, unique_id))
            leaf_of += [(member, own_rest) for member in left]
    rows.append((rest, REST, ""))
    edges.append((rest, top))
    return Tree(
        pl.DataFrame(leaf_of, schema=_LEAF_OF, orient="row"),
        rest,
        pl.DataFrame(edges, schema=NO_PARENTS.schema, orient="row"),
        pl.DataFrame(rows, schema={"unique_id": pl.String, "level": pl.String, "name": pl.String}, orient="row"),
    )


def with_sums(leaves: pl.DataFrame, parents: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``leaves`` (member, ds, numbers) and, for every sum above them, their columns added up per ds."""
    if parents.is_empty():
        return leaves
    above = dict(parents.iter_rows())
    ancestors: list[tuple[str, str]] = []
    for leaf in leaves["member"].unique(maintain_order=True).to_list():
        node = leaf
        while node in above:
            node = above[node]
            ancestors.append((leaf, node))
    of = pl.DataFrame(ancestors, schema={"member": pl.String, "ancestor": pl.String}, orient="row")
    numbers = [name for name in leaves.columns if name not in ("member", "ds")]
    sums = (
        leaves.join(of, on="member")
        .group_by("ancestor", "ds")
        .agg(*(added_up(name) for name in numbers))
        .select(pl.col("ancestor").alias("member"), "ds", *numbers)
    )
    return pl.concat([leaves.select("member", "ds", *numbers), sums])


def added_up(name: str) -> pl.Expr:
    """The sum, not known where one of the parts is not."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def _free(name: str, taken: set[str]) -> str:
    """``name``, or with dots after it where a member is called so; taken from now on."""
    while name in taken:
        name += "·"
    taken.add(name)
    return name
