"""Fans, favourites and segments: by hand, against naive sums and scipy, under renaming, on planted tastes."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analytics.behaviour import BehaviourSpec, describe_preferences, favourites, of_segment, preference_kinds
from analytics.behaviour.affinity import Counts, count_levels, learn_prior, posterior
from analytics.customers import CustomerLabels
from analytics.errors import AnalysisError
from tests.behaviour.conftest import SIX, build, made

SPEC = BehaviourSpec()


def planted(
    n: int, a: float, shares: np.ndarray, rng: np.random.Generator, mean: float = 8
) -> tuple[Counts, np.ndarray]:
    """Counts of customers whose own shares are Dirichlet about ``shares``, and those shares."""
    own = rng.dirichlet(a * shares, n)
    totals = 1 + rng.poisson(mean - 1, n)
    drawn = np.array([rng.multinomial(total, p) for total, p in zip(totals, own, strict=True)])
    who, level = np.nonzero(drawn)
    entries = pl.DataFrame({"customer": who, "level": level, "n": drawn[who, level]}).with_columns(
        pl.all().cast(pl.Int64), amount=pl.lit(0, pl.Int64)
    )
    frame = pl.DataFrame({"customer": np.arange(n), "n_orders": totals}).cast(pl.Int64)
    names = pl.Series("customer_id", [f"c{i:06d}" for i in range(n)])
    return Counts(entries, frame, names, pl.Series("category", [f"k{i:03d}" for i in range(len(shares))])), own


class TestByHand:
    def test_an_order_counts_once_for_each_category(self) -> None:
        counts = count_levels(build(), "category")
        named = counts.entries.select(
            counts.ids.gather(counts.entries["customer"]).alias("who"),
            counts.levels.gather(counts.entries["level"]).alias("what"),
            "n",
            "amount",
        )
        assert sorted(named.rows()) == [
            ("amy", "cup", 1, 500),
            ("amy", "tea", 3, 2000),
            ("bob", "cup", 2, 4000),
            ("cai", "tea", 1, 10_000),
            ("dee", "tea", 1, 400),
            ("eve", "cup", 1, 700),
        ]
        totals = dict(zip(counts.ids.gather(counts.totals["customer"]), counts.totals["n_orders"], strict=True))
        assert totals == {"amy": 3, "bob": 2, "cai": 1, "dee": 1, "eve": 1}
        shares = dict(zip(counts.levels, counts.base, strict=True))
        # Eight orders; a1 holds both.
        assert (shares["tea"], shares["cup"]) == pytest.approx((5 / 8, 4 / 8))

    def test_five_customers_teach_nothing_and_it_is_said(self) -> None:
        result = describe_preferences(build(), SPEC)
        assert result.concentration is None
        assert dict(result.states.select("state", "n").iter_rows()) == {"fan": 0, "none": 0, "not_enough": 5}
        assert {item.code for item in result.caveats} == {"affinity_not_learned", "affinity_not_enough"}
        assert result.levels["n_orders"].to_list() == [5, 4]
        assert result.levels["revenue"].to_list() == [124.0, 52.0]
        assert result.by_label.is_empty()

    def test_kinds_are_those_the_data_hold(self) -> None:
        assert preference_kinds(build()) == ("category", "channel", "payment_method")
        assert preference_kinds(build(SIX.drop("customer_id"))) == ()


def test_the_posterior_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    counts, _own = planted(300, 3.0, np.array([0.5, 0.3, 0.2]), rng)
    prior = learn_prior(counts)
    assert prior.concentration is not None
    scored = posterior(counts.entries.join(counts.totals, on="customer"), prior, 1.5)
    for row in scored.sample(20, seed=1).to_dicts():
        p, a = prior.shares[row["level"]], prior.concentration[row["level"]]
        law = stats.beta(row["n"] + a * p, row["n_orders"] - row["n"] + a * (1 - p))
        bar = 1.5 * p / (1 - p + 1.5 * p)
        assert row["share"] == pytest.approx((row["n"] + a * p) / (row["n_orders"] + a))
        assert (row["lo"], row["hi"]) == pytest.approx(law.interval(0.95))
        assert row["probability"] == pytest.approx(law.sf(bar), abs=1e-12)


def test_the_concentration_maximises_the_naive_likelihood() -> None:
    rng = np.random.default_rng(2)
    counts, _own = planted(200, 5.0, np.array([0.6, 0.3, 0.1]), rng)
    prior = learn_prior(counts)
    assert prior.concentration is not None
    wide = np.zeros((200, 3), dtype=int)
    for who, level, n, _amount in counts.entries.iter_rows():
        wide[who, level] = n

    for level in range(3):
        p, found = prior.shares[level], prior.concentration[level]
        whole = counts.totals["n_orders"].to_numpy()

        def likelihood(a: float, n: np.ndarray = wide[:, level], whole: np.ndarray = whole, p: float = p) -> float:
            return float(stats.betabinom.logpmf(n, whole, a * p, a * (1 - p)).sum())

        best = likelihood(found)
        assert all(best >= likelihood(found * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0))


class TestPlanted:
    @pytest.mark.parametrize("a", [1.0, 6.0, 30.0])
    def test_intervals_cover_the_customers_own_shares(self, a: float) -> None:
        """Measured at 20,000 customers: 94.9, 95.1 and 95.1 % of the 95 % intervals over all customers and levels."""
        shares = np.array([0.4, 0.25, 0.15, 0.1, 0.07, 0.03])
        counts, own = planted(3000, a, shares, np.random.default_rng(3))
        prior = learn_prior(counts)
        assert prior.concentration is not None
        assert prior.concentration == pytest.approx(a, rel=0.35)
        assert np.median(prior.concentration) == pytest.approx(a, rel=0.12)
        assert prior.p is not None
        assert prior.p < 1e-6
        # Over all levels, also those never ordered: an interval is no worse for them.
        every = counts.totals.join(pl.DataFrame({"level": range(6)}), how="cross").cast({"level": pl.Int64})
        every = every.join(counts.entries, on=["customer", "level"], how="left").with_columns(pl.col("n").fill_null(0))
        scored = posterior(every, prior, 1.5)
        truth = own[scored["customer"].to_numpy(), scored["level"].to_numpy()]
        covered = (scored["lo"].to_numpy() <= truth) & (truth <= scored["hi"].to_numpy())
        assert covered.mean() == pytest.approx(0.95, abs=0.012)

    def test_orders_that_hold_several_categories(self) -> None:
        """Each category with a spread of its own; shares that add up to more than one. At 20,000: 96.2 %."""
        rng = np.random.default_rng(13)
        share, spread = np.array([0.6, 0.4, 0.3, 0.1]), np.array([2.0, 8.0, 1e6, 3.0])
        own = rng.beta(spread * share, spread * (1 - share), (4000, 4))
        orders = 1 + rng.poisson(7, 4000)
        drawn = rng.binomial(orders[:, None], own)
        every = pl.DataFrame({"customer": np.repeat(np.arange(4000), 4), "level": np.tile(np.arange(4), 4000)})
        every = every.with_columns(n=pl.Series(drawn.ravel()), amount=pl.lit(0)).cast(pl.Int64)
        totals = pl.DataFrame({"customer": np.arange(4000), "n_orders": orders}).cast(pl.Int64)
        names = pl.Series([f"c{i:04d}" for i in range(4000)]), pl.Series([f"k{i}" for i in range(4)])
        prior = learn_prior(Counts(every.filter(pl.col("n") > 0), totals, *names))
        assert prior.concentration is not None
        assert prior.concentration[[0, 1, 3]] == pytest.approx(spread[[0, 1, 3]], rel=0.15)
        assert prior.concentration[2] > 100
        scored = posterior(every.join(totals, on="customer"), prior, 1.5)
        truth = own[scored["customer"].to_numpy(), scored["level"].to_numpy()]
        covered = (scored["lo"].to_numpy() <= truth) & (truth <= scored["hi"].to_numpy())
        assert covered.mean() == pytest.approx(0.95, abs=0.012)

    def test_as_many_fans_are_wrong_as_expected(self) -> None:
        shares = np.array([0.4, 0.3, 0.2, 0.1])
        counts, own = planted(5000, 2.0, shares, np.random.default_rng(4))
        scored = posterior(counts.entries.join(counts.totals, on="customer"), learn_prior(counts), 1.5)
        fans = scored.filter((pl.col("probability") >= 0.9) & (pl.col("n_orders") >= 3))
        bar = 1.5 * shares / (1 - shares + 1.5 * shares)
        truth = own[fans["customer"].to_numpy(), fans["level"].to_numpy()]
        wrong = (truth <= bar[fans["level"].to_numpy()]).mean()
        assert fans.height > 500
        assert wrong == pytest.approx(1 - fans["probability"].mean(), abs=0.015)

    def test_customers_who_are_alike_have_no_fans(self) -> None:
        rng = np.random.default_rng(5)
        p = []
        for _ in range(20):
            counts, _own = planted(400, 1e9, np.array([0.5, 0.3, 0.2]), rng)
            prior = learn_prior(counts)
            assert prior.concentration is not None
            assert np.median(prior.concentration) > 30
            p.append(prior.p)
            scored = posterior(counts.entries.join(counts.totals, on="customer"), prior, 1.5)
            assert scored.filter(pl.col("probability") >= 0.9).height <= 4
        assert sum(value is not None and value < 0.05 for value in p) <= 3

    def test_two_orders_make_no_fan(self) -> None:
        lines = made(400)
        two = pl.DataFrame(
            {
                "customer_id": ["new"] * 2,
                "order_id": ["n1", "n2"],
                "ordered_at": [datetime(2024, 1, 1), datetime(2024, 2, 1)],
                "category": ["read"] * 2,
                "payment_method": ["cash"] * 2,
                "channel": ["web"] * 2,
                "quantity": [1, 1],
                "amount": [100, 100],
                "kind": ["sale"] * 2,
            }
        )
        found = favourites(build(pl.concat([lines, two.cast(lines.schema)])), SPEC)
        mine = found.states.filter(customer_id="new", kind="category")
        assert mine["state"].to_list() == ["not_enough"]
        assert not found.frame.filter(pl.col("customer_id") == "new")["is_fan"].any()


class TestFavourites:
    def test_three_a_kind_the_largest_share_first(self) -> None:
        found = favourites(build(made(200)), SPEC)
        assert found.kinds == ("category", "channel", "payment_method")
        assert found.frame["rank"].max() == 3
        for part in found.frame.partition_by("customer_id", "kind")[:50]:
            assert part["share"].to_list() == sorted(part["share"], reverse=True)
            assert part["rank"].to_list() == list(range(1, part.height + 1))
        assert (found.frame["lo"] <= found.frame["share"]).all()
        assert (found.frame["lift"] - found.frame["share"] / found.frame["base_share"]).abs().max() < 1e-12

    def test_fans_are_those_of_the_page(self) -> None:
        dataset = build(made(500))
        found, page = favourites(dataset, SPEC), describe_preferences(dataset, SPEC)
        states = found.states.filter(kind="category").group_by("state").len()
        mine = dict(page.states.select("state", "n").iter_rows())
        assert dict(states.iter_rows()) == {state: n for state, n in mine.items() if n}
        assert mine["fan"] > 0

    def test_nothing_to_prefer(self) -> None:
        found = favourites(build(SIX.drop("category", "channel", "payment_method")), SPEC)
        assert (found.kinds, found.frame.height) == ((), 0)


class TestSegments:
    @staticmethod
    def labelled(n: int = 400) -> CustomerLabels:
        ids = [f"c{i:05d}" for i in range(n)]
        frame = pl.DataFrame({"customer_id": ids, "label": ["1" if i % 3 else "2" for i in range(n)]})
        return CustomerLabels(frame, ("1", "2"), "segment", "k")

    def test_a_mean_of_own_shares_by_a_naive_loop(self) -> None:
        lines, labels = made(400), self.labelled()
        result = describe_preferences(build(lines), SPEC, labels)
        member = dict(labels.frame.iter_rows())
        own: dict[str, list[float]] = {"1": [], "2": []}
        for (who,), part in lines.group_by("customer_id"):
            own[member[str(who)]].append(float((part["category"] == "food").mean()))
        row = result.by_label.filter(label="2", level="food").row(0, named=True)
        assert row["n"] == len(own["2"])
        assert row["share"] == pytest.approx(np.mean(own["2"]))
        assert row["rest_share"] == pytest.approx(np.mean(own["1"]))
        assert row["lift"] == pytest.approx(np.mean(own["2"]) / np.mean(own["1"]))
        low, high = stats.ttest_ind(own["2"], own["1"], equal_var=False).confidence_interval(0.95)
        assert (row["lo"], row["hi"]) == pytest.approx((low, high), abs=2e-3)

    def test_planted_mixes_are_recovered_within_their_intervals(self) -> None:
        """Measured over 150 draws of 2 x 150 customers: 94.0 % of the intervals of the four differences hold."""
        rng = np.random.default_rng(6)
        mixes = {"1": np.array([0.5, 0.2, 0.2, 0.1]), "2": np.array([0.2, 0.4, 0.2, 0.2])}
        hits = []
        for _ in range(8):
            rows = []
            for label, mix in mixes.items():
                for i in range(150):
                    own = rng.dirichlet(4 * mix)
                    for j in range(1 + rng.poisson(4)):
                        rows.append(
                            (f"{label}-{i}", f"{label}-{i}-{j}", datetime(2024, 3, 1), f"k{rng.choice(4, p=own)}")
                        )
            lines = pl.DataFrame(rows, schema=["customer_id", "order_id", "ordered_at", "category"], orient="row")
            labels = lines.select("customer_id", label=pl.col("customer_id").str.slice(0, 1)).unique()
            found = describe_preferences(build(lines), SPEC, CustomerLabels(labels, ("1", "2"), "segment", "k"))
            truth = {f"k{i}": mixes["2"][i] - mixes["1"][i] for i in range(4)}
            part = found.by_label.filter(label="2")
            hits += [row["lo"] <= truth[row["level"]] <= row["hi"] for row in part.to_dicts()]
            assert part.filter(level="k0")["verdict"].to_list() == ["different"]
        assert np.mean(hits) >= 0.84

    def test_the_data_of_one_segment(self) -> None:
        dataset, labels = build(made(400)), self.labelled()
        inside = of_segment(dataset, labels, "2")
        assert inside.key not in (dataset.key, of_segment(dataset, labels, "1").key)
        member = labels.frame.filter(label="2")["customer_id"]
        assert set(inside.tables["transactions"]["customer_id"]) == set(member)
        with pytest.raises(AnalysisError, match="segment_unknown"):
            of_segment(dataset, labels, "9")


class TestInvariance:
    def same(self, left: Any, right: Any, but: tuple[str, ...] = ()) -> None:
        for item in dataclasses.fields(left):
            mine, theirs = getattr(left, item.name), getattr(right, item.name)
            if item.name not in ("key", *but):
                assert mine.equals(theirs) if isinstance(mine, pl.DataFrame) else mine == theirs, item.name

    def test_order_of_rows_ids_currency_and_later_rows_change_nothing(self) -> None:
        lines = made(300)
        result = describe_preferences(build(lines), SPEC)
        self.same(result, describe_preferences(build(lines.sample(fraction=1, shuffle=True, seed=1)), SPEC))
        renamed = lines.with_columns(customer_id="z" + pl.col("customer_id").str.reverse())
        self.same(result, describe_preferences(build(renamed), SPEC))
        dear = describe_preferences(build(lines.with_columns(pl.col("amount") * 100)), SPEC)
        self.same(result, dear, but=("levels",))
        assert dear.levels["revenue"].to_numpy() == pytest.approx(100 * result.levels["revenue"].to_numpy())
        later = lines.with_columns(pl.col("ordered_at") + pl.duration(days=1000), order_id="l" + pl.col("order_id"))
        self.same(result, describe_preferences(build(pl.concat([lines, later])), SPEC))
        self.same(favourites(build(lines), SPEC), favourites(build(pl.concat([lines, later])), SPEC))


class TestBadInput:
    def test_one_category(self) -> None:
        result = describe_preferences(build(made(100).with_columns(category=pl.lit("all"))), SPEC)
        assert result.levels["share"].to_list() == [1.0]
        assert result.concentration is None

    def test_two_hundred_categories(self) -> None:
        rng = np.random.default_rng(1)
        lines = made(300)
        lines = lines.with_columns(category=pl.Series([f"k{k:03d}" for k in rng.integers(0, 200, lines.height)]))
        result = describe_preferences(build(lines), SPEC)
        assert result.levels.height == 13
        assert result.levels["level"].null_count() == 1
        assert result.levels["n_orders"].sum() == lines.height
        assert result.levels["share"].null_count() == 1

    def test_a_category_that_is_missing(self) -> None:
        for lines in (SIX.drop("category"), SIX.with_columns(category=pl.lit(None, pl.String))):
            with pytest.raises(AnalysisError, match="fields_missing"):
                describe_preferences(build(lines), SPEC)

    def test_nobody_yet(self) -> None:
        with pytest.raises(AnalysisError, match="no_orders"):
            describe_preferences(build(SIX, date(2023, 1, 1)), SPEC)

    def test_the_spec_refuses_nonsense(self) -> None:
        for wrong in ({"min_orders": 0}, {"fan_odds": 0.5}, {"fan_probability": 1.0}, {"n_levels": 1}):
            with pytest.raises(AnalysisError, match="behaviour_setting"):
                BehaviourSpec(**wrong)
        with pytest.raises(AnalysisError, match="behaviour_setting"):
            BehaviourSpec(affinity_by="colour")
