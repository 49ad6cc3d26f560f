"""Second tables joined to the person's own, and order lines in several currencies."""

from __future__ import annotations

import streamlit as st

from analytics.charts import integration as charts
from analytics.i18n import Words
from analytics.integration import CurrencyResult, JoinSpec, suggest_join
from analytics.schema import TABLES
from app_pages.ui import page, session, walk


def joins(_: Words) -> None:
    """What is joined, with its orphans both ways, and one more table to join."""
    offered = walk.second_tables()
    if not offered:
        return
    done = {(spec.source, spec.sheet) for spec in session.workspace().joins}
    page.heading(
        _("Second tables"),
        _("A table of returned orders, of regions, of anything that adds to the orders or customers you have."),
    )
    for spec, result in walk.joined()[1]:
        with st.container(border=True, gap="small"):
            by = " = ".join((_.label("field", spec.on[0][0]), spec.on[0][1]))
            st.markdown(f"**{offered[spec.source, spec.sheet]}** · {by}")
            st.markdown(f"{charts.join_finding(result.join, _)}. {charts.join_note(result.join, _)}")
            page.caveats(result.join.caveats, _)
            name = f"unjoin-{spec.source[:8]}-{spec.sheet}"
            st.button(_("Take it out"), icon=":material/close:", key=name, on_click=_leave, args=(spec,))
    rest = [item for item in offered if item not in done]
    if rest:
        _offer(_, {item: offered[item] for item in rest})


def _offer(_: Words, rest: dict[tuple[str, str], str]) -> None:
    session.bind_valid("second-table", list(rest))
    with page.controls("join-controls"):
        chosen = st.selectbox(_("Second table"), list(rest), format_func=rest.__getitem__, key="second-table")
        data, second = walk.joined()[0], walk.second_table(*chosen)
        proposal = page.compute(suggest_join, data, second) or JoinSpec()
        place = "-".join(chosen)
        tables = [name for name in ("transactions", "customers") if name in data.tables]
        fields = [
            f"{table}.{field.name}"
            for table in tables
            for field in TABLES[table].fields
            if field.name in data.tables[table].columns
        ]
        proposed = proposal.on[0] if proposal.on else ("", "")
        mine = st.selectbox(
            _("Your column"),
            fields,
            index=_at(fields, f"{proposal.table}.{proposed[0]}"),
            format_func=lambda name: _.label("field", name.partition(".")[2]),
            key=f"join-mine-{place}",
        )
        columns = list(second.columns)
        theirs = st.selectbox(_("Its column"), columns, index=_at(columns, proposed[1]), key=f"join-theirs-{place}")
        names = {"": _("adds its columns"), "mark": _("marks the rows it names")}
        adds = st.selectbox(
            _("The second table"),
            list(names),
            index=int(bool(proposal.mark)),
            format_func=names.__getitem__,
            key=f"join-mark-{place}",
        )
        table, _dot, field = mine.partition(".")
        mark = "listed" if adds else ""
        spec = JoinSpec(on=((field, theirs),), mark=mark, table=table, source=chosen[0], sheet=chosen[1])
        st.button(_("Join"), icon=":material/join:", key="join", on_click=_join, args=(spec,))
    if not proposal.on:
        st.markdown(f":small[:gray[{_('No column of it was found in your tables: choose one yourself.')}]]")


def currencies(_: Words, settled: CurrencyResult) -> None:
    """Order lines by currency, and a rate for each that is not the chosen one."""
    page.heading(
        _("More than one currency"),
        _("Currencies are never summed: lines without a rate to {currency} are set apart.", currency=settled.currency),
    )
    rates = dict(session.workspace().currencies.rates)
    with page.controls("rates"):
        for code, n, rate, treated in settled.by_currency.rows():
            if code in (None, settled.currency):
                continue
            key = f"rate-{code}"
            session.bind(key, rates.get(code, rate) or "")
            st.text_input(
                _("1 {code} in {currency}", code=code, currency=settled.currency),
                key=key,
                help=_.ngettext("{n} line", "{n} lines", n) + f" · {_.phrase(f'treated.{treated}')}",
                on_change=_rate,
                args=(code, key),
            )
    page.caveats(settled.caveats, _)


def _at(options: list[str], value: str) -> int:
    return options.index(value) if value in options else 0


def _join(spec: JoinSpec) -> None:
    session.change(joins=(*session.workspace().joins, spec))


def _leave(spec: JoinSpec) -> None:
    session.change(joins=tuple(item for item in session.workspace().joins if item != spec))


def _rate(code: str, key: str) -> None:
    """Store a rate; an emptied field sets the currency apart again."""
    given = session.widget_value(key).strip()
    rates = {**dict(session.workspace().currencies.rates), code: given}
    kept = tuple(sorted((name, rate) for name, rate in rates.items() if rate))
    session.change_specs({"currencies": {"rates": kept}})
