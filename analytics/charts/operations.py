"""The Operations page: what a server is at, what of it wants care, and where room and time go.

``Standing`` is plain numbers; the page fills it. ``judge`` holds every threshold, and ``thresholds`` says them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip
from analytics.errors import Caveat
from analytics.i18n import Words

DISK_BAD, DISK_WATCH = 0.03, 0.10  # share of the disk that is free
MEMORY_WATCH = 0.10  # share of the machine's memory that is free
QUEUE_WATCH = 5  # steps that wait, for each worker
DEATHS_WATCH = 3  # workers that died since the start
SWEEP_HOURS = 48.0
STARTING_HOURS = 1.0  # a server that has just started need not have swept yet
SESSIONS_TO_TELL = 5  # before, the libraries that the first pages load look like a session's own memory
MOST_STEPS = 8
SEVERE = frozenset({"disk_full", "store_failing"})


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the analyses: how often it ran since the start, its median and its longest run in seconds."""

    name: str
    runs: int
    median: float
    longest: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server is at.

    Attributes
    ----------
    up_hours : since its start. cpu : share of all cores that the process and its workers used lately.
    sessions : browsers that are connected; signed_in: those of members.
    process_bytes, workers_bytes : memory of the server and of its workers; session_bytes: of one session, about
        (None: nobody to tell by). memory_bytes, memory_free : of the machine.
    hits, runs, waits : steps answered from the store, computed, and found under way already, since the start.
    held_bytes of max_bytes : results in memory; mapped_bytes: in files; pinned_bytes: what live sessions look at.
    waiting, running, workers, deaths : steps that wait and run, worker processes, and those that died.
    upload_bytes, table_bytes, database_bytes : the store on disk; disk_free of disk_bytes.
    keep_days : None when REGULARS_KEEP_DAYS is no number. sweep_hours : since the last sweep, None before the first.
    due, next_due : workspaces over their days, and hours until the next one is (None: none will be).
    problem : why the store cannot be reached, in the reader's words; "" when it can.
    """

    up_hours: float = 0.0
    cpu: float = 0.0
    cores: int = 1
    sessions: int = 0
    signed_in: int = 0
    process_bytes: int = 0
    workers_bytes: int = 0
    session_bytes: int | None = None
    memory_bytes: int = 1
    memory_free: int = 1
    hits: int = 0
    runs: int = 0
    waits: int = 0
    held_bytes: int = 0
    max_bytes: int = 0
    mapped_bytes: int = 0
    pinned_bytes: int = 0
    waiting: int = 0
    running: int = 0
    workers: int = 1
    deaths: int = 0
    workspaces: int = 0
    kept: int = 0
    deleted: int = 0
    links: int = 0
    people: int = 0
    uploads: int = 0
    upload_bytes: int = 0
    tables: int = 0
    table_bytes: int = 0
    database_bytes: int = 0
    disk_bytes: int = 1
    disk_free: int = 1
    keep_days: int | None = None
    sweep_hours: float | None = None
    due: int = 0
    problem: str = ""

    @property
    def store_bytes(self) -> int:
        return self.upload_bytes + self.table_bytes + self.database_bytes

    @property
    def hit_share(self) -> float | None:
        asked = self.hits + self.waits + self.runs
        return (self.hits + self.waits) / asked if asked else None


def judge(standing: Standing, _: Words) -> tuple[Caveat, ...]:
    """What wants care, the worst first: one ``Caveat`` each, with the codes of ``phrases/operations.py``."""
    found: list[Caveat] = []
    if standing.problem:
        found.append(Caveat("store_failing", params={"problem": standing.problem}))
    else:
        share = standing.disk_free / standing.disk_bytes
        free = {"free": in_bytes(standing.disk_free, _)}
        if share < DISK_BAD:
            found.append(Caveat("disk_full", params=free))
        elif share < DISK_WATCH:
            shares = {"share": _.percent(share, 1), "bad": _.percent(DISK_BAD)}
            found.append(Caveat("disk_filling", params={**free, **shares}))
    if standing.memory_free / standing.memory_bytes < MEMORY_WATCH:
        held = in_bytes(standing.process_bytes + standing.workers_bytes, _)
        found.append(Caveat("memory_high", params={"free": in_bytes(standing.memory_free, _), "held": held}))
    if standing.waiting >= QUEUE_WATCH * standing.workers:
        found.append(Caveat("queue_long", params={"waiting": standing.waiting, "workers": standing.workers}))
    if standing.deaths >= DEATHS_WATCH:
        found.append(Caveat("workers_died", params={"n": standing.deaths}))
    if standing.keep_days is None:
        found.append(Caveat("retention_unusable"))
    elif standing.sweep_hours is not None and standing.sweep_hours > SWEEP_HOURS:
        found.append(Caveat("sweep_overdue", params={"hours": round(standing.sweep_hours)}))
    elif standing.sweep_hours is None and standing.up_hours > STARTING_HOURS and not standing.problem:
        found.append(Caveat("sweep_never", params={"hours": round(standing.up_hours, 1)}))
    return tuple(found)


def thresholds(_: Words) -> str:
    """Every threshold of ``judge`` as Markdown."""
    lines = [
        _(
            "Disk: filling below {watch} free, almost full below {bad}",
            watch=_.percent(DISK_WATCH),
            bad=_.percent(DISK_BAD),
        ),
        _("Memory of the machine: short below {watch} free", watch=_.percent(MEMORY_WATCH)),
        _("Queue: long from {n} waiting steps for each worker on", n=QUEUE_WATCH),
        _("Workers: told from {n} deaths since the start on", n=DEATHS_WATCH),
        _("Sweep: overdue after {n} hours", n=int(SWEEP_HOURS)),
        _("Saved work: told at once when it cannot be reached or its tables are of a newer version"),
    ]
    return "\n".join(f"- {line}" for line in lines)


def headline(standing: Standing, found: Sequence[Caveat], _: Words) -> Headline:
    """All is well, or the worst of what is not."""
    if found:
        finding = _.phrase(f"caveat.{found[0].code}", **found[0].params)
        sentence = _.ngettext(
            "{n} thing wants care. People can go on working.",
            "{n} things want care. People can go on working.",
            len(found),
        )
    else:
        finding = _("All is well")
        sentence = _("Nothing is short, nobody waits long, saved work can be reached and is swept.")
    used = _.percent(standing.cpu)
    sentence += (" " if _.language == "en" else "") + _(
        "Running for {time}; {used} of {n} cores in use.",
        time=in_hours(standing.up_hours, _),
        used=used,
        n=standing.cores,
    )
    codes = {item.code for item in found}
    metrics = (
        Metric(
            _("Live sessions"),
            _.number(standing.sessions),
            _("{n} signed in", n=standing.signed_in) if standing.signed_in else "",
        ),
        Metric(
            _("Memory"),
            in_bytes(standing.process_bytes + standing.workers_bytes, _),
            _("{free} free", free=in_bytes(standing.memory_free, _)),
            _tone(codes, "memory_high"),
        ),
        Metric(
            _("Saved work"),
            "–" if standing.problem else in_bytes(standing.store_bytes, _),
            "" if standing.problem else _("{free} free", free=in_bytes(standing.disk_free, _)),
            _tone(codes, "disk_filling", "disk_full"),
        ),
        Metric(
            _("Waiting steps"),
            _.number(standing.waiting),
            _("{n} of {workers} workers busy", n=min(standing.running, standing.workers), workers=standing.workers),
            _tone(codes, "queue_long"),
        ),
    )
    return Headline(finding, sentence, metrics)


def _tone(codes: set[str], *wrong: str) -> Tone:
    hit = codes & set(wrong)
    return "bad" if hit & SEVERE else "watch" if hit else "gray"


def _few(standing: Standing) -> bool:
    return standing.session_bytes is None or standing.sessions < SESSIONS_TO_TELL


def engine_metrics(standing: Standing, _: Words) -> tuple[Metric, ...]:
    """What the engine holds and saves."""
    return (
        Metric(_("From the cache"), _.percent(standing.hit_share), _("{n} steps computed", n=standing.runs)),
        Metric(
            _("Results held"),
            in_bytes(standing.held_bytes, _),
            _("of {most}", most=in_bytes(standing.max_bytes, _)),
        ),
        Metric(_("In use by sessions"), in_bytes(standing.pinned_bytes, _), _("kept while open")),
        Metric(
            _("Per session"),
            "–" if _few(standing) else in_bytes(standing.session_bytes or 0, _),
            _("from {n} sessions on", n=SESSIONS_TO_TELL),
        ),
    )


def store_metrics(standing: Standing, _: Words) -> tuple[Metric, ...]:
    """What the store holds."""
    return (
        Metric(_("Workspaces"), _.number(standing.workspaces), _("{n} kept", n=standing.kept)),
        Metric(_("Deleted, can come back"), _.number(standing.deleted)),
        Metric(_("Open links"), _.number(standing.links)),
        Metric(_("People"), _.number(standing.people)),
    )


def room(standing: Standing, _: Words) -> Spec:
    """Bars of what the store's files take on disk."""
    parts = (
        (_("Uploads"), standing.upload_bytes, standing.uploads),
        (_("Tables read from them"), standing.table_bytes, standing.tables),
        (_("Database"), standing.database_bytes, None),
    )
    rows = [
        {"part": part, "bytes": n_bytes, "told": in_bytes(n_bytes, _), "files": "–" if n is None else _.number(n)}
        for part, n_bytes, n in parts
    ]
    return _bars(rows, "part", "bytes", [("part", _("Part")), ("told", _("Size")), ("files", _("Files"))], _)


def room_finding(standing: Standing, _: Words) -> str:
    return _(
        "Saved work takes {size}; {free} of the disk are free",
        size=in_bytes(standing.store_bytes, _),
        free=in_bytes(standing.disk_free, _),
    )


def room_note(_: Words) -> str:
    return _("Files are counted once, however many workspaces hold them.")


def slow_steps(steps: Sequence[Step], _: Words) -> Spec:
    """Bars of the median seconds of the slowest steps; the tick is the longest run."""
    rows = [
        {
            "step": step_name(step.name, _),
            "median": step.median,
            "longest": step.longest,
            "text": in_seconds(step.median, _),
            "most": in_seconds(step.longest, _),
            "told": in_seconds(step.median, _) + (f" ({in_seconds(step.longest, _)})" if step.runs > 1 else ""),
            "runs": _.number(step.runs),
        }
        for step in steps[:MOST_STEPS]
    ]
    lines = [("step", _("Step")), ("text", _("Median")), ("most", _("Longest")), ("runs", _("Runs"))]
    return _bars(rows, "step", "median", lines, _, tick="longest")


def slow_steps_finding(steps: Sequence[Step], _: Words) -> str:
    if not steps:
        return _("No step has run since the start")
    first = steps[0]
    return _("Slowest step: {step}, {time}", step=step_name(first.name, _), time=in_seconds(first.median, _))


def slow_steps_note(_: Words) -> str:
    return _("Median of the last runs since the start; tick and brackets: the longest run.")


def step_name(name: str, _: Words) -> str:
    """A step as people know it; a small one by its function's name, which an owner can tell us."""
    short = name.rpartition(".")[2]
    known = next((key for key in (f"progress.{short}", f"step.{short}") if _.has_phrase(key)), None)
    return _.phrase(known) if known else _("Another step ({name})", name=short)


def _bars(
    rows: list[dict[str, object]], name: str, value: str, lines: Sequence[tuple[str, str]], _: Words, tick: str = ""
) -> Spec:
    most = max([float(str(row[tick or value])) for row in rows], default=0.0) or 1.0
    base = chart_of(rows).encode(
        y=alt.Y(f"{name}:N", sort=None, axis=plain_axis(labelLimit=220)),
        tooltip=[tooltip(field, title) for field, title in lines],
    )
    scale = alt.Scale(domain=[0, most * (1.6 if tick else 1.4)])  # room for the figures behind the bars
    drawn = base.mark_bar(height=14, color=neutral("accent")).encode(x=alt.X(f"{value}:Q", axis=None, scale=scale))
    place = tick or value
    text = base.mark_text(align="left", dx=8).encode(x=alt.X(f"{place}:Q", axis=None, scale=scale), text="told:N")
    if tick:
        mark = base.mark_tick(color=neutral("ink"), thickness=2, height=14)
        drawn = drawn + mark.encode(x=alt.X(f"{tick}:Q", axis=None, scale=scale))
    return finish(drawn + text, _, height=max(112, 32 * len(rows)))


# ---- sizes and times ---------------------------------------------------------------------------------------------


def in_bytes(n_bytes: float, _: Words) -> str:
    """``1.2 GB``: decimal, as disks are sold."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n_bytes >= limit:
            value = n_bytes / limit
            return f"{_.number(value, 0 if value >= 100 else 1)} {unit}"
    return f"{_.number(n_bytes / 1e3, 0)} kB"


def in_hours(hours: float, _: Words) -> str:
    """A stretch of time in the unit that fits."""
    if hours < 1:
        return _("{n} min", n=max(0, int(hours * 60)))
    if hours < 48:
        return _("{n} h", n=int(hours))
    return _.ngettext("{n} day", "{n} days", int(hours / 24))


def in_seconds(seconds: float, _: Words) -> str:
    return _("{n} s", n=_.number(seconds, 0 if seconds >= 10 else 1 if seconds >= 1 else 2))
