"""How the work stands with saving: the state in the context bar, and what others saved meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from analytics.errors import AnalysisError
from analytics.i18n import N_, Words, escape_markdown
from analytics.workspace import to_json
from app_pages.ui import remembering, session, visitor
from app_pages.ui.steps import PAGES, step
from app_pages.ui.version import APP_VERSION
from store import retention, workspaces
from store.merging import Merge, Side, changed_steps, step_of
from store.model import Conflict, Record

__all__ = ["PAGES", "step_of"]
LABELS = {
    "saved": (":material/cloud_done:", N_("Saved")),
    "sample": (":material/cloud:", N_("Not saved")),
    "nobody": (":material/cloud_off:", N_("Not saved")),
    "view": (":material/visibility:", N_("View only")),
    "failed": (":material/sync_problem:", N_("Not saved")),
    "conflict": (":material/call_split:", N_("Changed elsewhere")),
}
POLL_SECONDS = 8
MOST_STEPS = 4  # named in a notice
LONGEST_NAME = 20  # in the bar


def title(_: Words, name: str) -> str:
    """What a stored workspace is called, harmless inside Markdown."""
    return escape_markdown(name) or _("Without a name")


def short(name: str) -> str:
    """A person's own name for something, for the bar: harmless inside Markdown."""
    return escape_markdown(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")


def state(_: Words) -> None:
    """The place in the context bar: whether the work is saved, its name, and the way to all workspaces."""
    now = session.state()
    icon, label = LABELS[now]
    text = f":orange[{_(label)}]" if now in ("failed", "conflict") else _(label)
    with st.popover(text, icon=icon, type="tertiary", key="saving"):
        record = session.record()
        st.markdown(_told(_, record))
        if now == "failed":
            _failed(_)
        if record is not None and session.may("delete"):
            _name(_, record)
        if session.link() is not None:
            st.button(
                _("Back to the shared state"),
                icon=":material/restart_alt:",
                key="reset-to-shared",
                on_click=session.reset_to_shared,
                width="stretch",
            )
        if session.person() is not None and st.button(
            _("All workspaces"), icon=":material/folder_open:", key="to-workspaces", width="stretch"
        ):
            st.switch_page("app_pages/workspaces.py")


def _told(_: Words, record: Record | None) -> str:
    now = session.state()
    if now == "sample":
        return _("Nothing to save so far. From the first change on, this work saves itself.")
    if now == "nobody":
        return _("This browser keeps no cookie, so nothing is saved: allow cookies for this site and load it again.")
    if now == "failed":
        return _("The work goes on in memory. Saving is tried again at the next change.")
    if now == "view" and record is not None:
        return _("You look at what {name} shared. You can change nothing.", name=visitor.called(_, record.owner))
    if now == "conflict":
        return _("Somebody else saved other choices. Decide above the page how to go on.")
    if record is None:
        return ""
    told = _("Saved by itself {ago}.", ago=ago(_, record.changed_at))
    if record.kept:
        return told
    try:
        days = retention.keep_days()
    except AnalysisError:  # the operator's setting cannot be read: the operations page says so
        return told
    lost = _.ngettext(
        "Without a name it is deleted {n} day after its last use.",
        "Without a name it is deleted {n} days after its last use.",
        days,
    )
    return f"{told} {lost}"


def _failed(_: Words) -> None:
    error = session.failure() or AnalysisError("store_failed")
    st.markdown(f"**{_.phrase(f'error.{error.code}', **error.params)}**")
    if _.has_phrase(f"error.{error.code}.remedy"):
        st.markdown(_.phrase(f"error.{error.code}.remedy", **error.params))
    st.download_button(
        _("Save the choices (JSON)"),
        data=to_json(remembering.to_save(), app_version=APP_VERSION),
        file_name="regulars-choices.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key="save-choices-now",
        width="stretch",
    )


def _name(_: Words, record: Record) -> None:
    session.bind("workspace-name", record.name)
    st.text_input(
        _("Name"),
        key="workspace-name",
        max_chars=workspaces.MOST_NAME,
        placeholder=_("Give it a name to keep it"),
        on_change=lambda: session.rename(session.widget_value("workspace-name")),
    )


def ago(_: Words, moment: datetime) -> str:
    """How long ago, in words; after a day the day itself."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        return _.ngettext("{n} minute ago", "{n} minutes ago", int(seconds // 60))
    if seconds < 86400:
        return _.ngettext("{n} hour ago", "{n} hours ago", int(seconds // 3600))
    return _("on {day}", day=local(moment).date())


def clock(_: Words, moment: datetime) -> str:
    """Day and time in the reader's own time zone."""
    here = local(moment)
    return _("{day}, {time}", day=here.date(), time=f"{here:%H:%M}")


def local(moment: datetime) -> datetime:
    """A moment in the reader's own time zone."""
    try:
        return moment.astimezone(ZoneInfo(session.time_zone()))
    except (ValueError, OSError, KeyError):
        return moment.astimezone(UTC)


def step_title(_: Words, name: str) -> str:
    """The page that choices belong to; "" is the bar above all pages."""
    if name not in {item.name for item in PAGES}:
        return _("Day and population")
    return _("Data") if name == "upload" else _(step(name).title)


def steps_told(_: Words, names: tuple[str, ...]) -> str:
    """Pages by their titles, the first few of them."""
    shown = [step_title(_, name) for name in names[:MOST_STEPS]]
    if len(names) > MOST_STEPS:
        shown.append(_.ngettext("{n} more", "{n} more", len(names) - MOST_STEPS))
    return _.listing(shown)


# ---- others --------------------------------------------------------------------------------------------------


def watch(_: Words) -> None:
    """While others may have this work open: ask every few seconds whether they saved, and tell it."""
    if session.is_shared():
        st.fragment(run_every=POLL_SECONDS)(_poll)()
    conflict = session.conflict()
    if conflict is not None:
        _notice(_, conflict)


def _poll() -> None:
    if session.is_closed() or session.others_saved():
        st.rerun()


def _notice(_: Words, conflict: Conflict) -> None:
    theirs = conflict.theirs
    changed = changed_steps(conflict.base, theirs.workspace)
    both = session.merged({})
    mine = both is not None and bool(both.from_mine or both.clashes)
    with st.container(border=True, key="changed-elsewhere", gap="small"):
        st.markdown(
            ":material/call_split: "
            + _(
                "**{who} changed {steps}**, {ago}",
                who=visitor.called(_, theirs.changed_by),
                steps=steps_told(_, changed) if changed else _("the choices"),
                ago=ago(_, theirs.changed_at),
            )
        )
        if mine and both is not None:
            own = steps_told(_, (*both.from_mine, *both.clashes))
            st.markdown(f":small[:gray[{_('Not saved yet of yours: {steps}.', steps=own)}]]")
        with st.container(horizontal=True):
            st.button(
                _("Show their state"),
                icon=":material/refresh:",
                key="take-theirs",
                on_click=session.take_theirs,
                type="secondary",
            )
            if mine and both is not None:
                if st.button(_("Merge by step"), icon=":material/merge:", key="merge"):
                    st.dialog(_("Merge by step"))(_merge)(_, both)
                st.button(
                    _("Keep mine as a copy"),
                    icon=":material/content_copy:",
                    key="keep-copy",
                    on_click=session.keep_copy,
                )


def _merge(_: Words, both: Merge) -> None:
    """Which side's choices each page takes, where both changed it."""
    if both.from_mine:
        own = _.listing(step_title(_, name) for name in both.from_mine)
        st.markdown(f":small[:gray[{_('Taken from you: {steps}', steps=own)}]]")
    if both.from_theirs:
        others = _.listing(step_title(_, name) for name in both.from_theirs)
        st.markdown(f":small[:gray[{_('Taken from them: {steps}', steps=others)}]]")
    sides = {"mine": _("Mine"), "theirs": _("Theirs")}
    take: dict[str, Side] = {}
    for name in both.clashes:
        take[name] = st.segmented_control(
            step_title(_, name),
            list(sides),
            format_func=sides.__getitem__,
            default="mine",
            required=True,
            key=f"take-{name or 'bar'}",
        )
    if st.button(
        _("Merge"),
        type="primary",
        icon=":material/merge:",
        key="merge-now",
        on_click=session.take_merged,
        args=(take,),
    ):
        st.rerun()
