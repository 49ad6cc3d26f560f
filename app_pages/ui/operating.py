"""The Operations page's look at this server: its process and workers, the engine, the store, and who is here."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from datetime import datetime
from pathlib import Path

import polars as pl
import psutil
import streamlit as st

from analytics.charts import operations as charts
from analytics.charts.operations import Standing, Step
from analytics.errors import AnalysisError
from analytics.export.tables import CSV_MIME, XLSX_MIME, to_csv, to_xlsx
from analytics.i18n import Words
from app_pages.ui import audience, page, session
from app_pages.ui import operating_tables as tables
from app_pages.ui.compute import engine
from app_pages.ui.version import APP_VERSION
from store import database, retention

EVERY_SECONDS = 5.0
LEAST_SECONDS = 1.0  # between two measurements of the processor
CGROUP = Path("/sys/fs/cgroup")


class Meter:
    """The processor's and the memory's use of this process and its workers, for all who look at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = psutil.Process()
        self._measured = (time.monotonic(), self._seconds())
        self._share = 0.0

    def _seconds(self) -> float:
        total = 0.0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue  # it ended just now
            total += times.user + times.system
        return total

    def cpu(self) -> float:
        """Share of all cores since somebody last asked."""
        with self._lock:
            moment, seconds = time.monotonic(), self._seconds()
            passed = moment - self._measured[0]
            if passed >= LEAST_SECONDS:
                used = max(0.0, seconds - self._measured[1])
                self._share = min(1.0, used / passed / (os.cpu_count() or 1))
                self._measured = (moment, seconds)
            return self._share

    def memory(self) -> tuple[int, int]:
        """Bytes of this process, and of its workers with whatever they started."""
        workers = 0
        for process in self._process.children(recursive=True):
            try:
                workers += process.memory_info().rss
            except psutil.Error:
                continue
        return self._process.memory_info().rss, workers

    def up_hours(self) -> float:
        return (time.time() - self._process.create_time()) / 3600


METER = Meter()


def machine_memory() -> tuple[int, int]:
    """Bytes of memory there are and that are free, within a container's limit where there is one."""
    machine = psutil.virtual_memory()
    try:
        most = int((CGROUP / "memory.max").read_text())
        held = int((CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return machine.total, machine.available
    if most >= machine.total:
        return machine.total, machine.available
    return most, max(0, min(most - held, machine.available))


def look(_: Words) -> Standing:
    """What this server is at. A store that cannot be reached leaves its figures empty and says why."""
    report, here, moment = engine().report(), audience.present(), database.now()
    process, workers = METER.memory()
    total, free = machine_memory()
    beyond = process - audience.began_bytes() - report.held_bytes
    found = {
        "up_hours": METER.up_hours(),
        "cpu": METER.cpu(),
        "cores": os.cpu_count() or 1,
        "sessions": len(here),
        "signed_in": sum(item.person is not None and item.person.kind == "member" for item in here),
        "process_bytes": process,
        "workers_bytes": workers,
        "session_bytes": beyond // len(here) if here and beyond > 0 else None,
        "memory_bytes": total,
        "memory_free": free,
        "workers": report.n_workers,
        "deaths": report.worker_deaths,
    }
    same = ("hits", "runs", "waits", "held_bytes", "max_bytes", "mapped_bytes", "pinned_bytes", "waiting", "running")
    found |= {name: getattr(report, name) for name in same}
    return Standing(**found, **_stored(_, moment))


def _stored(_: Words, moment: datetime) -> dict[str, object]:
    found: dict[str, object] = {}
    try:
        found["keep_days"] = retention.keep_days()
    except AnalysisError:
        found["keep_days"] = None  # ``judge`` tells
    try:
        store = session.store()
        sizes, last = retention.sizes(store), retention.last_sweep(store)
    except AnalysisError as error:
        return {**found, "problem": _.phrase(f"error.{error.code}", **error.params)}
    if last is not None:
        found["sweep_hours"] = (moment - last).total_seconds() / 3600
    names = {
        "workspaces": "n_workspaces",
        "kept": "n_kept",
        "deleted": "n_deleted",
        "links": "n_links",
        "people": "n_people",
        "uploads": "n_uploads",
        "upload_bytes": "upload_bytes",
        "tables": "n_tables",
        "table_bytes": "table_bytes",
        "database_bytes": "database_bytes",
        "disk_bytes": "disk_bytes",
        "disk_free": "free_bytes",
    }
    return {**found, **{ours: getattr(sizes, theirs) for ours, theirs in names.items()}}


def steps() -> tuple[Step, ...]:
    """The slowest steps since the start."""
    return tuple(Step(*row) for row in engine().report().slow)


# ---- what is drawn -------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY_SECONDS)
def live(_: Words) -> None:
    """The answer card and its evidence; looks again by itself every few seconds."""
    with page.section(_, "operations"):
        session.require("operate")
        standing, slow = look(_), steps()
        found = charts.judge(standing, _)
        page.answer(charts.headline(standing, found, _), _)
        page.caveats(found, _)
        left, right = st.columns([7, 5], gap="medium")
        with left:
            if slow:
                drawn = charts.slow_steps(slow, _)
                page.chart(charts.slow_steps_finding(slow, _), charts.slow_steps_note(_), drawn, key="chart-slow")
            else:
                page.heading(charts.slow_steps_finding(slow, _), _("It fills as people open pages."))
            page.metrics(charts.engine_metrics(standing, _), narrowest=120)
        with right:
            if standing.problem:
                page.heading(_("Saved work is out of reach"), standing.problem)
            else:
                drawn = charts.room(standing, _)
                page.chart(charts.room_finding(standing, _), charts.room_note(_), drawn, key="chart-room")
                page.metrics(charts.store_metrics(standing, _), columns=2)
        tables.sessions(_)


def report(_: Words) -> None:
    """The same figures to take away, made when they are asked for."""
    zone, allowed = session.time_zone(), session.still_allowed("operate")

    def frames() -> dict[str, pl.DataFrame]:
        allowed()
        return {
            _("Figures"): figures(_),
            _("Slow steps"): pl.DataFrame(
                [(step.name, step.runs, step.median, step.longest) for step in steps()],
                schema=STEP_SCHEMA,
                orient="row",
            ),
            _("What vanishes"): tables.leaving_frame(tables.held(), _, zone),
            _("Deeds"): tables.deeds_frame(_, zone),
            _("Sessions"): tables.sessions_frame(_, zone),
        }

    def as_json() -> bytes:
        allowed()
        body = {"regulars": APP_VERSION, "at": database.now().isoformat(), **dataclasses.asdict(look(_))}
        body["slow"] = [dataclasses.asdict(step) for step in steps()]
        return json.dumps(body, indent=1).encode()

    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, make, ending, mime, icon in (
            (_("Figures (CSV)"), lambda: to_csv(frames()[_("Figures")], _), "csv", CSV_MIME, ":material/table:"),
            (_("Report (XLSX)"), lambda: to_xlsx(frames(), _), "xlsx", XLSX_MIME, ":material/grid_on:"),
            (_("Report (JSON)"), as_json, "json", "application/json", ":material/data_object:"),
        ):
            name = f"regulars-operations.{ending}"
            st.download_button(label, make, name, mime, icon=icon, on_click="ignore", key=f"report-{ending}")


STEP_SCHEMA = {
    "step_name": pl.String,
    "step_runs": pl.Int64,
    "step_median": pl.Float64,
    "step_longest": pl.Float64,
}


def figures(_: Words) -> pl.DataFrame:
    """Every number of the page under the name that the JSON has too."""
    rows = [
        (name, float(value)) for name, value in dataclasses.asdict(look(_)).items() if isinstance(value, int | float)
    ]
    return pl.DataFrame(rows, schema={"server_figure": pl.String, "server_value": pl.Float64}, orient="row")
