"""A changed number of segments, against k-means on everybody; and from the slider to the chart in a browser.

*The number.* ``n_rows`` customers with eight traits: five kinds, as many as are asked for, of which the two nearest are
six deviations apart (separated) or four (near), and one continuum (overlapping). Ours answers a changed number as the
page does: the customers are encoded already, and the verb brings back members, sizes, profiles and map. The peer is
scikit-learn's ``KMeans(n_init=4)`` on the same standardised points, and nothing but its labels. ``ari`` is the adjusted
Rand index between the two; ``fitted`` is how many customers ours was fitted on.

*The slider.* Order lines of ``n_rows`` / 10 customers are uploaded; the slider of the what-if page moves from number to
number (none seen before), and the clock stops when the answer is another one and the flow is drawn anew; a second one
when the whole page, payoff and all, is at rest.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import customers as lines
from benchmarks.compare import OUT, apart, compare, contestant, measured
from benchmarks.server import served

FEATURES = (
    "recency_days",
    "n_orders",
    "mean_order_value",
    "tenure_days",
    "mean_gap_days",
    "n_items",
    "n_products",
    "discount_share",
)
NUMBER = 5
SHAPES = {"separated": 6.0, "near": 4.0, "overlapping": None}  # deviations between the two nearest kinds
READY = "[data-testid=stApp][data-test-script-state=notRunning]"


def generate(path: Path, n_rows: int, shape: str, seed: int = 5) -> None:
    """Customers with eight traits: five kinds of unequal size so far apart, or correlated and of one kind."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    n, d = n_rows, len(FEATURES)
    apart = SHAPES[shape]
    if apart:
        kind = rng.choice(NUMBER, n, p=[0.35, 0.25, 0.2, 0.12, 0.08])
        centres = rng.normal(0, 1, (NUMBER, d))
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        logs = (centres * apart / gaps[gaps > 0].min())[kind] + rng.normal(0, 1, (n, d))
    else:
        mixing = np.eye(d) + rng.normal(0, 0.35, (d, d))
        logs = rng.normal(0, 1, (n, d)) @ mixing
    columns = {name: np.exp(3 + 0.25 * logs[:, i]) for i, name in enumerate(FEATURES)}
    columns["revenue"] = columns["mean_order_value"] * columns["n_orders"]
    ids = pl.select(pl.format("C{}", pl.int_range(n).cast(pl.String).str.zfill(8))).to_series()
    pl.DataFrame({"customer_id": ids, **columns}).write_parquet(path)


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """One comparison per shape of data (none without repeats), and the slider where a browser is there."""
    OUT.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES if n_repeats else ():
        data = OUT / f"whatif-{shape}-{n_rows}.parquet"
        apart(generate, data, n_rows, shape)

        ours, peer = contestant(__file__, "regulars", data), contestant(__file__, "sklearn", data)
        result = compare(ours, peer, n_repeats)
        yield {"benchmark": "whatif", "data": shape, "n_rows": n_rows, **_agreement(ours.out, peer.out), **result}
    yield from _slider(n_rows)


def _agreement(ours: Path, peer: Path) -> dict[str, object]:
    """ARI between the two, and whether both know the same customers."""
    import polars as pl
    from sklearn.metrics import adjusted_rand_score

    mine, theirs = pl.read_parquet(ours).sort("customer_id"), pl.read_parquet(peer).sort("customer_id")
    return {
        "equal": mine["customer_id"].equals(theirs["customer_id"]),
        "ari": round(float(adjusted_rand_score(mine["label"], theirs["label"])), 4),
        "fitted": int(mine["n_fitted"][0]),
    }


def _prepared(data: Path):
    from datetime import date

    import polars as pl
    import sklearn.cluster  # noqa: F401  # imports are no work

    from analytics.customers import CustomerTable
    from analytics.segmentation.segment import prepare

    frame = pl.read_parquet(data)
    table = CustomerTable(frame, date(2026, 1, 31), "TWD", tuple(frame.columns[1:]), (), str(data))
    return table, prepare(table, FEATURES)


def regulars(data: Path, out: Path) -> None:
    """This project: the number changes from four to five, the encoding is there."""
    import polars as pl

    from analytics.segmentation import SegmentationSpec, segment

    table, prepared = _prepared(data)
    segment(table, SegmentationSpec(features=FEATURES, n_segments=NUMBER - 1), prepared)
    with measured():
        result = segment(table, SegmentationSpec(features=FEATURES, n_segments=NUMBER), prepared)
    result.members.select("customer_id", "label", n_fitted=pl.lit(result.n_fitted)).write_parquet(out)


def sklearn(data: Path, out: Path) -> None:
    """scikit-learn on everybody: four starts on the same standardised points."""
    import polars as pl
    from sklearn.cluster import KMeans

    table, prepared = _prepared(data)
    points = prepared.encoded.encoded.points
    with measured():
        model = KMeans(NUMBER, n_init=4, random_state=0).fit(points)
    ids = table.frame["customer_id"].gather(prepared.encoded.rows)
    pl.DataFrame({"customer_id": ids, "label": model.labels_}).write_parquet(out)


def _slider(n_rows: int) -> Iterator[dict[str, object]]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield {"benchmark": "whatif", "peer": "browser", "skipped": "no playwright here"}
        return
    data = OUT / f"whatif-lines-{n_rows}.parquet"
    apart(lines.generate, data, n_rows)
    with served() as (url, _), sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch()
        except Error:
            found = shutil.which("chromium")
            if found is None:
                yield {"benchmark": "whatif", "peer": "browser", "skipped": "no Chromium here"}
                return
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        chart, rest, said = _moves(browser.new_page(viewport={"width": 1440, "height": 1000}), url, data)
        browser.close()
    yield {
        "benchmark": "whatif",
        "peer": "browser",
        "n_customers": max(n_rows // 10, 5),
        "slider_to_chart_s": {"median": round(statistics.median(chart), 2), "each": chart},
        "slider_to_rest_s": {"median": round(statistics.median(rest), 2), "each": rest},
        "findings": said,
    }


def _moves(page, url: str, data: Path) -> tuple[list[float], list[float], list[str]]:
    """Seconds from each move of the slider to the new chart and to the page at rest, and what was then said."""
    page.set_default_timeout(600_000)
    page.goto(url)  # the first page has no address of its own
    _settle(page)
    page.locator(".st-key-source button").last.click()
    _settle(page)
    page.locator(".st-key-files input[type=file]").set_input_files(str(data))
    page.wait_for_selector(f"text={data.name} holds Orders")
    _settle(page)
    page.locator("[data-testid=stSidebarNav] a[href$='/what_if']").click()
    page.wait_for_selector(".st-key-try-number input[type=range]")
    page.wait_for_selector("h3")
    _settle(page)
    heading = page.locator("h2").first  # the answer: how many move
    slider = page.locator(".st-key-try-number input[type=range]")
    chart, rest, said = [], [], []
    for key in ("ArrowRight",) * 4:
        before = heading.inner_text()
        slider.focus()
        started = time.perf_counter()
        page.keyboard.press(key)
        page.wait_for_function(_DRAWN, arg=before, timeout=120_000, polling=20)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        chart.append(round(time.perf_counter() - started, 2))
        page.wait_for_selector(READY)
        rest.append(round(time.perf_counter() - started, 2))
        said.append(heading.inner_text())
        page.wait_for_timeout(1_500)
    return chart, rest, said


# The answer is another one, and the flow below it is drawn anew.
_DRAWN = """before => {
    const answer = document.querySelector('h2');  // absent for a moment while the page is drawn anew
    const chart = document.querySelector('[data-testid=stVegaLiteChart]');
    const holder = chart && chart.closest('[data-stale]');
    return answer && answer.innerText !== before && holder && holder.dataset.stale === 'false'
        && chart.querySelector('canvas, svg');
}"""


def _settle(page) -> None:
    for _ in range(3):
        page.wait_for_selector(READY)
        page.wait_for_timeout(500)


def main() -> None:
    """One contestant in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=["regulars", "sklearn"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    {"regulars": regulars, "sklearn": sklearn}[chosen.contestant](chosen.data, chosen.out)


if __name__ == "__main__":
    main()
