"""Shares of methods, staying with one, segments and several methods: by hand, naive loops, scipy, planted mixes."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analytics.behaviour import BehaviourSpec, associate, describe_methods, describe_preferences
from analytics.customers import CustomerLabels
from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from tests.behaviour.conftest import SIX, build, made

SPEC = BehaviourSpec()
TRUTH = Path(__file__).parents[2] / "sample_data" / "truth" / "marketplace"


def labelled(n: int = 400) -> CustomerLabels:
    ids = [f"c{i:05d}" for i in range(n)]
    frame = pl.DataFrame({"customer_id": ids, "label": ["1" if i % 3 else "2" for i in range(n)]})
    return CustomerLabels(frame, ("1", "2"), "segment", "k")


class TestByHand:
    def test_shares(self) -> None:
        result = describe_methods(build(), SPEC)
        card, cash = result.shares.to_dicts()
        # Card: a1, a2, c1, d1, e1; cash: a3, b1, b2 and the anonymous x1.
        assert (card["method"], card["n_orders"], card["revenue"], card["n"]) == ("card", 5, 131.0, 4)
        assert (cash["method"], cash["n_orders"], cash["revenue"], cash["n"]) == ("cash", 4, 51.0, 2)
        assert (card["n_main"], cash["n_main"]) == (4, 1)
        assert card["share"] == pytest.approx(5 / 9)
        assert card["revenue_share"] == pytest.approx(131 / 182)
        assert card["lo"] < card["share"] < card["hi"]

    def test_switching(self) -> None:
        result = describe_methods(build(), SPEC)
        # amy: card card cash; bob: cash cash. Three steps, two of them stay.
        steps = {(row["from_method"], row["to_method"]): row for row in result.switching.to_dicts()}
        counts = {way: row["n_steps"] for way, row in steps.items()}
        assert counts == {("card", "card"): 1, ("card", "cash"): 1, ("cash", "card"): 0, ("cash", "cash"): 1}
        assert steps["card", "cash"]["share"] == 0.5
        assert steps["card", "cash"]["chance"] == pytest.approx(2 / 3)
        assert result.stay is not None
        assert result.chance is not None
        assert result.kappa is not None
        assert result.stay.value == pytest.approx(2 / 3)
        assert result.chance.value == pytest.approx(2 / 3 * 1 / 3 + 1 / 3 * 2 / 3)
        assert result.kappa.value == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))

    def test_several_methods(self) -> None:
        result = describe_methods(build(), SPEC)
        assert result.several.rows() == [(1, 1, 0.5, 2.0, 40.0, 40.0), (2, 1, 0.5, 3.0, 25.0, 25.0)]
        assert result.matched is None

    def test_an_order_of_two_methods_is_of_the_one_on_most_of_its_amount(self) -> None:
        split = SIX.with_columns(
            payment_method=pl.when(pl.col("category") == "tea").then(pl.lit("points")).otherwise("payment_method")
        ).filter(pl.col("order_id") == "a1")
        result = describe_methods(build(split), SPEC)
        assert result.shares["method"].to_list() == ["points"]
        assert {item.code: item.params["n"] for item in result.caveats} == {"methods_mixed": 1}

    def test_orders_at_the_same_time_have_no_order(self) -> None:
        lines = SIX.filter(pl.col("customer_id") == "amy").with_columns(ordered_at=pl.lit(datetime(2024, 1, 1)))
        result = describe_methods(build(lines), SPEC)
        assert (result.n_steps, result.n_same_time) == (0, 2)
        assert result.stay is None


class TestNaiveLoops:
    def test_switching_and_staying(self) -> None:
        lines = made(300)
        result = describe_methods(build(lines), SPEC)
        steps: dict[tuple[str, str], int] = {}
        sizes: dict[str, list[int]] = {}
        for (who,), part in lines.sort("ordered_at").group_by("customer_id", maintain_order=True):
            methods = part["payment_method"].to_list()
            for before, after in pairwise(methods):
                steps[before, after] = steps.get((before, after), 0) + 1
                sizes.setdefault(str(who), []).append(int(before == after))
        found = {(row["from_method"], row["to_method"]): row["n_steps"] for row in result.switching.to_dicts()}
        assert found == steps
        assert result.stay is not None
        n = sum(steps.values())
        assert result.stay.value == pytest.approx(sum(steps[way] for way in steps if way[0] == way[1]) / n)
        # The interval, from the spread of whole customers by leaving each out.
        stayed, total = np.array([sum(v) for v in sizes.values()]), np.array([len(v) for v in sizes.values()])
        left_out = (stayed.sum() - stayed) / (total.sum() - total)
        m = len(total)
        error = np.sqrt((m - 1) / m * ((left_out - left_out.mean()) ** 2).sum())
        assert result.stay.hi - result.stay.value == pytest.approx(1.96 * error, rel=0.03)

    def test_kappas_interval_is_that_of_leaving_customers_out(self) -> None:
        lines = made(120, seed=5)
        result = describe_methods(build(lines), SPEC)
        assert result.kappa is not None
        ids = lines["customer_id"].unique().sort()
        kappas = []
        for who in ids:
            kappa = describe_methods(build(lines.filter(pl.col("customer_id") != who)), SPEC).kappa
            assert kappa is not None
            kappas.append(kappa.value)
        m = lines.group_by("customer_id").len().filter(pl.col("len") > 1).height
        error = np.sqrt((m - 1) / m * ((np.array(kappas) - np.mean(kappas)) ** 2).sum())
        assert result.kappa.hi - result.kappa.value == pytest.approx(1.96 * error, rel=0.08)

    def test_share_intervals_take_customers_whole(self) -> None:
        """Against a bootstrap of customers; those of single orders would be far too narrow."""
        lines = made(250, seed=6)
        row = describe_methods(build(lines), SPEC).shares.row(0, named=True)
        each = lines.group_by("customer_id").agg(n=pl.len(), k=(pl.col("payment_method") == row["method"]).sum())
        rng = np.random.default_rng(1)
        n, k = each["n"].to_numpy(), each["k"].to_numpy()
        drawn = rng.integers(0, len(n), (2000, len(n)))
        shares = k[drawn].sum(axis=1) / n[drawn].sum(axis=1)
        low, high = np.quantile(shares, (0.025, 0.975))
        assert row["hi"] - row["lo"] == pytest.approx(high - low, rel=0.1)
        naive = 2 * 1.96 * np.sqrt(row["share"] * (1 - row["share"]) / lines.height)
        assert row["hi"] - row["lo"] > 1.3 * naive

    def test_usual_methods_against_labels_are_scipys(self) -> None:
        lines, labels = made(400), labelled()
        result = describe_methods(build(lines), SPEC, labels)
        assert result.association is not None
        table = result.by_label.pivot("method", index="label", values="n").drop("label").to_numpy()
        found = stats.chi2_contingency(table, correction=False)
        assert (result.association.chi2, result.association.df) == (pytest.approx(found.statistic), found.dof)
        assert result.association.p == pytest.approx(found.pvalue)
        assert result.association.n == lines["customer_id"].n_unique()
        assert result.shares["n_main"].sum() == result.association.n


class TestCramersV:
    @staticmethod
    def truth(cells: np.ndarray) -> float:
        rows, columns = cells.sum(axis=1, keepdims=True), cells.sum(axis=0, keepdims=True)
        phi2 = float(((cells - rows * columns) ** 2 / (rows * columns)).sum())
        return float(np.sqrt(phi2 / (min(cells.shape) - 1)))

    @pytest.mark.parametrize(("strength", "n"), [(0.0, 400), (0.3, 400), (0.6, 400), (0.6, 150)])
    def test_the_interval_covers_the_planted_value(self, strength: float, n: int) -> None:
        """Measured over 1,000 tables each: V 0: 100 % (of 95), .11: 98.5, .21: 95.2, .21 of 150: 96.6, .35: 94.2 %."""
        rng = np.random.default_rng(11)
        rows = np.array([0.5, 0.3, 0.2])
        mixes = np.array([[0.5, 0.3, 0.15, 0.05], [0.2, 0.5, 0.2, 0.1], [0.1, 0.2, 0.4, 0.3]])
        mixes = (1 - strength) * (rows @ mixes) + strength * mixes
        cells = rows[:, None] * mixes
        truth = self.truth(cells)
        hits = []
        for seed in range(60):
            found = associate(rng.multinomial(n, cells.ravel()).reshape(3, 4), 300, seed)
            assert found is not None
            hits.append(found.lo - 1e-12 <= truth <= found.hi)
        assert np.mean(hits) >= 0.88

    def test_no_association_is_no_verdict(self) -> None:
        rng = np.random.default_rng(12)
        found = [associate(rng.multinomial(600, np.full(12, 1 / 12)).reshape(3, 4), 300, i) for i in range(60)]
        said = [item.strength for item in found if item]
        assert sum(word in ("none", "unclear") for word in said) >= 54
        assert not {"moderate", "strong"} & set(said)
        assert np.mean([item.v for item in found if item]) < 0.05

    def test_a_perfect_association(self) -> None:
        found = associate(np.diag([50, 30, 20]), 300, 0)
        assert found is not None
        assert (found.strength, found.v) == ("strong", pytest.approx(1.0, abs=0.02))

    def test_small_cells_are_judged_by_drawing_tables(self) -> None:
        table = np.array([[8, 2, 0], [1, 5, 2]])
        found = associate(table, 300, 0)
        assert found is not None
        assert found.exact
        law = stats.chi2_contingency(table, correction=False)
        assert found.p == pytest.approx(law.pvalue, abs=0.03)
        assert associate(table, 300, 0) == found

    def test_one_row_or_column_tells_nothing(self) -> None:
        assert associate(np.array([[5, 3]]), 100, 0) is None
        assert associate(np.array([[5, 0], [3, 0]]), 100, 0) is None
        assert associate(np.zeros((2, 2), dtype=np.int64), 100, 0) is None


class TestPlanted:
    def test_staying_by_chance_alone_is_seen_as_such(self) -> None:
        rng = np.random.default_rng(3)
        hits = []
        for _ in range(30):
            lines = made(150, seed=int(rng.integers(1e6)))
            lines = lines.with_columns(payment_method=pl.Series(rng.choice(["card", "cash", "wallet"], lines.height)))
            kappa = describe_methods(build(lines), SPEC).kappa
            assert kappa is not None
            hits.append(kappa.lo <= 0 <= kappa.hi)
        assert np.mean(hits) >= 0.85

    def test_the_planted_mixes_of_the_sample_world_are_recovered(self, world: Dataset) -> None:
        """The segments of the world as labels, its planted channel mixes as the mark: 19 of 20 intervals hold.

        Channels are drawn from the mix (65 % of orders through a favourite drawn from it). Payments are altered by
        rules of the world (no instalments under TWD 3,000, no cash on delivery in a store): judged by sign.
        """
        truth, people = json.loads((TRUTH / "truth.json").read_text()), pl.read_parquet(TRUTH / "customers.parquet")
        planted = {item["name"]: item["channel_mix"] for item in truth["segments"]}
        channels = truth["orders_of_share_columns"]["channels"]
        people = people.filter(pl.col("segment").is_not_null())
        names = tuple(sorted(people["segment"].unique()))
        labels = CustomerLabels(people.select("customer_id", label="segment"), names, "truth", "k")
        found = describe_preferences(world, BehaviourSpec(affinity_by="channel"), labels).by_label
        sizes = dict(found.select("label", "n").unique().iter_rows())
        hits = []
        for row in found.to_dicts():
            i, rest = channels.index(row["level"]), [name for name in names if name != row["label"]]
            others = sum(sizes[name] * planted[name][i] for name in rest) / sum(sizes[name] for name in rest)
            hits.append(row["lo"] <= planted[row["label"]][i] - others <= row["hi"])
        assert len(hits) == 20
        assert np.mean(hits) >= 0.9

        result = describe_methods(world, SPEC, labels)
        assert result.association is not None
        assert result.association.strength in ("weak", "moderate")
        assert result.association.lo > 0.1
        told = {(row["label"], row["method"]): row for row in result.by_label.to_dicts()}
        assert told["tech_enthusiasts", "instalment"]["lo"] > 0
        assert told["bargain_hunters", "cash_on_delivery"]["lo"] > 0.1
        assert told["household_planners", "wallet"]["lo"] > 0
        assert told["occasional_gifters", "wallet"]["hi"] < -0.2
        # 65 % of orders use the favourite, the others follow the segment's mix: staying is planted.
        assert result.kappa is not None
        assert result.kappa.lo > 0.35


class TestInvariance:
    def same(self, left: Any, right: Any, but: tuple[str, ...] = ()) -> None:
        for item in dataclasses.fields(left):
            mine, theirs = getattr(left, item.name), getattr(right, item.name)
            if item.name not in ("key", *but):
                assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name

    def test_order_of_rows_ids_currency_and_later_rows_change_nothing(self) -> None:
        lines, labels = made(300), labelled()
        result = describe_methods(build(lines), SPEC, labels)
        self.same(result, describe_methods(build(lines.sample(fraction=1, shuffle=True, seed=1)), SPEC, labels))
        reverse = pl.col("customer_id").str.reverse()
        others = dataclasses.replace(labels, frame=labels.frame.with_columns(customer_id=reverse))
        self.same(result, describe_methods(build(lines.with_columns(customer_id=reverse)), SPEC, others))
        dear = describe_methods(build(lines.with_columns(pl.col("amount") * 100)), SPEC, labels)
        self.same(result, dear, but=("shares", "several", "matched"))
        assert dear.shares["revenue_share"].to_numpy() == pytest.approx(result.shares["revenue_share"].to_numpy())
        assert dear.matched is not None
        assert result.matched is not None
        assert dear.matched.value == pytest.approx(result.matched.value)
        later = lines.with_columns(pl.col("ordered_at") + pl.duration(days=1000), order_id="l" + pl.col("order_id"))
        self.same(result, describe_methods(build(pl.concat([lines, later])), SPEC, labels))


class TestBadInput:
    def test_no_payment_column(self) -> None:
        for lines in (SIX.drop("payment_method"), SIX.with_columns(payment_method=pl.lit(None, pl.String))):
            with pytest.raises(AnalysisError, match="fields_missing"):
                describe_methods(build(lines), SPEC)

    def test_one_method(self) -> None:
        result = describe_methods(build(made(50).with_columns(payment_method=pl.lit("card"))), SPEC, labelled())
        assert result.association is None
        assert result.kappa is None
        assert result.stay is not None
        assert result.stay.value == 1

    def test_one_customer(self) -> None:
        result = describe_methods(build(SIX.filter(pl.col("customer_id") == "amy")), SPEC)
        assert result.n_steps == 2
        assert result.stay is None

    def test_two_hundred_methods_are_eight_and_the_rest(self) -> None:
        rng = np.random.default_rng(1)
        lines = made(200)
        lines = lines.with_columns(payment_method=pl.Series([f"m{k:03d}" for k in rng.integers(0, 200, lines.height)]))
        result = describe_methods(build(lines), SPEC, labelled())
        assert result.shares.height == 9
        assert result.shares["method"].to_list()[-1] is None
        assert result.switching.height == 81

    def test_without_amounts_or_customers(self) -> None:
        result = describe_methods(build(SIX.drop("amount", "customer_id")), SPEC)
        assert result.shares["revenue"].null_count() == 2
        assert result.several.is_empty()
        assert result.stay is None

    def test_unknown_methods_are_counted(self) -> None:
        lines = made(50)
        hole = pl.when(pl.int_range(pl.len()) % 4 > 0).then("payment_method").alias("payment_method")
        result = describe_methods(build(lines.with_columns(hole)), SPEC)
        assert result.n_unknown == len(range(0, lines.height, 4))
        assert "methods_unknown" in {item.code for item in result.caveats}


def test_several_methods_at_equal_orders_cost_nothing_when_nothing_is_planted() -> None:
    """Those with several methods spend more in all, since they order more often; at equal numbers they do not."""
    rng = np.random.default_rng(9)
    hits, raw = [], []
    for _ in range(20):
        n = 1 + rng.negative_binomial(1.2, 0.15, 300)
        who = np.repeat(np.arange(300), n)
        lines = pl.DataFrame(
            {
                "customer_id": [f"c{c}" for c in who],
                "order_id": [f"o{i}" for i in range(len(who))],
                "ordered_at": [datetime(2024, 1, 1) + timedelta(hours=i % 8000) for i in range(len(who))],
                "channel": rng.choice(["web", "app"], len(who), p=[0.8, 0.2]),
                "amount": rng.integers(100, 3000, len(who)),
            }
        )
        result = describe_methods(build(lines), BehaviourSpec(method_by="channel"))
        assert result.matched is not None
        hits.append(result.matched.lo <= 1 <= result.matched.hi)
        one, two = result.several["mean_revenue"].to_list()[:2]
        raw.append(two / one)
    assert np.mean(hits) >= 0.8
    assert min(raw) > 1.3
