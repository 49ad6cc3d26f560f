"""The questions of a survey file, shown where the file is."""

from __future__ import annotations

from analytics.charts import questionnaire as charts
from analytics.i18n import Words
from analytics.mapping import MappedTable, questions
from app_pages.ui import page
from app_pages.ui.compute import compute

HEAVY_ROWS = 20_000


def panel(_: Words, mapped: MappedTable) -> None:
    """What was asked: each question's kind, its answers and how many gave one."""
    asked = compute(questions, mapped, heavy=mapped.frame.height > HEAVY_ROWS)
    finding = page.draw(charts.finding, asked, _)
    page.heading(finding, page.draw(charts.note, asked, _))
    if asked.questions:
        page.table(
            page.draw(charts.table, asked, _), _, charts.COLUMNS, key=f"questions-found-{mapped.key}", alt=finding
        )
