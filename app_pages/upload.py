"""Which data do we have, and which column is what?"""

from analytics.charts import mapping as charts
from app_pages.ui import intake, page, session, sources, work

with page.frame("upload") as _:
    work.go_on(_)
    sources.choose(_)
    page.lesson(_, "upload")
    top = page.place()
    readable = sources.panels(_)
    if readable:
        raw = tuple(intake.raw(source) for source in readable)
        suggested = tuple(intake.suggestion(source) for source in readable)
        specs = tuple(intake.mapping(source) for source in readable)
        confirmed = tuple(intake.is_settled(source) for source in readable)
        questions = sum(sources.n_questions(source) for source in readable)
        refused = len(intake.sources()) - len(readable)
        with top:
            page.answer(page.draw(charts.headline, raw, suggested, specs, confirmed, questions, refused, _), _)
        page.how_counted(
            _,
            _(
                "A column's meaning is found from its heading (known words in three scripts, similar spelling) and "
                "from what it holds; one assignment over all columns keeps meanings apart. You have the last word."
            ),
            {source.name: spec for source, spec in zip(readable, specs, strict=True)},
            session.workspace().world or readable[0].digest,
        )
        page.take_away(_, "upload", {})
