"""Second tables joined to the person's own, and order lines in several currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import streamlit as st

from analytics.charts import integration as charts
from analytics.errors import AnalysisError
from analytics.i18n import Words, escape_markdown
from analytics.integration import CurrencyResult, JoinResult, JoinSpec, Rate, preview_join, suggest_join
from app_pages.ui import intake, page, session, walk

MOST_KEYS = 3  # columns that are one key together


def joins(_: Words) -> None:
    """What is joined, with its orphans both ways, and one more table to join."""
    offered = intake.second_tables()
    if not offered:
        return
    done = {(spec.source, spec.sheet) for spec in session.workspace().joins}
    page.heading(
        _("Second tables"),
        _("A table of returned orders, of regions, of anything that adds to the orders or customers you have."),
    )
    for spec, result in walk.joined()[1]:
        with st.container(border=True, gap="small"):
            by = _.listing(" = ".join((_.label("field", mine), theirs)) for mine, theirs in spec.on)
            st.markdown(f"**{escape_markdown(offered[spec.source, spec.sheet])}** · {escape_markdown(by)}")
            _found(_, result.join)
            name = f"unjoin-{spec.source[:8]}-{spec.sheet}"
            locked = not session.may("change")
            st.button(
                _("Take it out"), icon=":material/close:", key=name, on_click=_leave, args=(spec,), disabled=locked
            )
    rest = [item for item in offered if item not in done]
    if rest and session.may("change"):
        _offer(_, {item: offered[item] for item in rest})


def _found(_: Words, join: JoinResult) -> None:
    """How well two tables fit, and what finds no partner on either side."""
    st.markdown(f"**{charts.join_finding(join, _)}**  \n{charts.join_note(join, _)}")
    alone = charts.join_orphans(join, _)
    if alone and session.may("see_rows"):
        with st.expander(_("Keys without a partner"), icon=":material/link_off:", type="compact"):
            st.table(alone, border="horizontal", hide_index=True, alt=_("Keys without a partner"))
    page.caveats(join.caveats, _)


def _offer(_: Words, rest: dict[tuple[str, str], str]) -> None:
    session.bind_valid("second-table", list(rest))
    with st.container(border=True, gap="small"):
        with page.controls("join-controls"):
            chosen = st.selectbox(_("Second table"), list(rest), format_func=rest.__getitem__, key="second-table")
            data, second = walk.joined()[0], intake.second_table(*chosen)
            files = intake.other_tables(*chosen)
            proposal = page.compute(suggest_join, data, second, files) or JoinSpec()
            place = "-".join(chosen)
            names = {"": _("adds its columns"), "mark": _("marks the rows it names")}
            session.bind_first(f"join-mark-{place}", "mark" if proposal.mark else "")
            adds = st.selectbox(
                _("The second table"), list(names), format_func=names.__getitem__, key=f"join-mark-{place}"
            )
            mark = ""
            if adds:
                session.bind_first(f"join-name-{place}", proposal.mark or rest[chosen])
                mark = st.text_input(_("Name of the new column"), key=f"join-name-{place}", max_chars=60).strip()
        on, table = _keys(_, proposal, place, list(second.columns), walk.joinable(files))
        spec = JoinSpec(on=on, mark=mark, table=table, source=chosen[0], sheet=chosen[1])
        if on:
            _found(_, page.compute(preview_join, files, second, spec))
        if not proposal.on:
            st.markdown(f":small[:gray[{_('No column of it was found in your tables: choose one yourself.')}]]")
        unready = not on or bool(adds and not mark)
        st.button(_("Join"), icon=":material/join:", key="join", disabled=unready, on_click=_join, args=(spec,))


def _keys(
    _: Words, proposal: JoinSpec, place: str, theirs: list[str], offered: dict[str, str]
) -> tuple[tuple[tuple[str, str], ...], str]:
    """Pairs of columns that are one key together, at most three, and the table that they are of."""
    on: list[tuple[str, str]] = []
    table = ""
    for i in range(MOST_KEYS):
        here = {code: name for code, name in offered.items() if not table or code.startswith(f"{table}.")}
        first, second = proposal.on[i] if i < len(proposal.on) else ("", "")
        session.bind_first(f"join-mine-{place}-{i}", f"{proposal.table}.{first}" if first else "")
        session.bind_first(f"join-theirs-{place}-{i}", second)
        labels = (_("Your column"), _("Its column")) if i == 0 else (_("and your column"), _("and its column"))
        with page.controls(f"join-key-{i}"):
            mine = st.selectbox(
                labels[0],
                ["", *here],
                format_func={"": "–", **{code: _.label("field", name) for code, name in here.items()}}.__getitem__,
                key=f"join-mine-{place}-{i}",
            )
            other = st.selectbox(
                labels[1], ["", *theirs], format_func=lambda name: name or "–", key=f"join-theirs-{place}-{i}"
            )
        if not mine or not other:
            break
        table = mine.partition(".")[0]
        on.append((offered[mine], other))
    return tuple(on), table or "transactions"


def currencies(_: Words, settled: CurrencyResult) -> None:
    """What the money is counted in, and a rate for each other currency."""
    page.heading(
        _("More than one currency"),
        _("Currencies are never summed: lines without a rate to {currency} are set apart.", currency=settled.currency),
    )
    stored = session.workspace().currencies.rates
    always = {rate.currency: rate.rate for rate in stored if rate.to in ("", settled.currency) and not rate.is_dated}
    lines = charts.currency_lines(settled, _)
    held, locked = sorted({*lines, settled.currency}), not session.may("change")
    with page.controls("rates"):
        session.bind("currency-to", settled.currency)
        st.selectbox(_("Count in"), held, key="currency-to", on_change=_count_in, width=140, disabled=locked)
        for code, help_text in lines.items():
            if code != settled.currency:
                key = f"rate-{code}"
                session.bind(key, always.get(code, ""))
                label = _("1 {code} in {currency}", code=code, currency=settled.currency)
                args = (code, settled.currency)
                st.text_input(label, key=key, help=help_text, on_change=_rate, args=args, disabled=locked)
    rows = page.draw(charts.currency_rows, settled, _)
    st.table(rows, border="horizontal", hide_index=True, alt=_("More than one currency"))
    _dated(_, [code for code in lines if code != settled.currency], settled.currency)
    page.caveats(settled.caveats, _)


def _dated(_: Words, codes: list[str], to: str) -> None:
    """Rates that hold for some days only; they go before the others."""
    stored = [rate for rate in session.workspace().currencies.rates if rate.is_dated]
    locked = not session.may("change")
    with st.expander(_("Rates for some days only"), icon=":material/date_range:", expanded=bool(stored)):
        for i, rate in enumerate(stored):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(charts.rate_line(rate, to, _), width="stretch")
                st.button(_("Take it out"), key=f"dated-{i}", on_click=_take_out, args=(rate,), disabled=locked)
        if not codes:
            return
        with page.controls("dated-rate"):
            st.selectbox(_("Currency"), codes, key="dated-code", width=140, disabled=locked)
            st.text_input(_("Rate"), key="dated-value", width=140, disabled=locked)
            st.date_input(_("First day"), value=None, key="dated-start", width=160, disabled=locked)
            st.date_input(_("Last day"), value=None, key="dated-end", width=160, disabled=locked)
            label, icon = _("Add this rate"), ":material/add:"
            st.button(label, icon=icon, key="dated-add", on_click=_add_dated, args=(to,), disabled=locked)


def _join(spec: JoinSpec) -> None:
    session.change(joins=(*session.workspace().joins, spec))


def _leave(spec: JoinSpec) -> None:
    session.change(joins=tuple(item for item in session.workspace().joins if item != spec))


def _count_in() -> None:
    session.change_spec("currencies", to=session.widget_value("currency-to"))


def _rate(code: str, to: str) -> None:
    """Store a rate; an emptied field sets the currency apart again."""
    given = session.widget_value(f"rate-{code}").strip()
    kept = [
        rate
        for rate in session.workspace().currencies.rates
        if rate.is_dated or rate.currency != code or rate.to not in ("", to)
    ]
    _store(kept, lambda: [Rate(code, given, to)] if given else [])


def _add_dated(to: str) -> None:
    start, end = (session.as_date(session.widget_value(key)) for key in ("dated-start", "dated-end"))
    code, given = session.widget_value("dated-code"), session.widget_value("dated-value").strip()
    if start or end:
        _store(session.workspace().currencies.rates, lambda: [Rate(code, given, to, start, end)])


def _take_out(rate: Rate) -> None:
    _store([item for item in session.workspace().currencies.rates if item != rate], list)


def _store(kept: Iterable[Rate], new: Callable[[], list[Rate]]) -> None:
    try:
        rates = (*kept, *new())
    except AnalysisError as error:
        session.tell(error)
        return
    session.change_spec("currencies", rates=rates)
