"""The steps between validated tables and what a page analyses, each cached by ``compute``.

validated -> merged (currency, second tables, one id per person) -> protected (pseudonyms for personal data) ->
observed (as-of date, population, definitions) -> customers -> what several pages share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import polars as pl

from analytics.charts.persona_card import Card, cards
from analytics.charts.segmentation import segment_names
from analytics.churn import ChurnResult, judge, learn_churn, learning
from analytics.customers import CustomerLabels, CustomerTable, summarise_customers
from analytics.dataset import UNKNOWN_DAY, Dataset
from analytics.demand import By
from analytics.errors import AnalysisError
from analytics.export.aggregates import Aggregates, listed_aggregates
from analytics.export.tables import in_currency_units
from analytics.i18n import Words
from analytics.integration import (
    FIELDS,
    JOINED,
    CurrencyResult,
    JoinSpec,
    LookupResult,
    MatchResult,
    MatchSpec,
    MergeResult,
    join_lookup,
    match_customers,
    merge_customers,
    own_columns,
    settle_currency,
)
from analytics.lifecycle import (
    FlowResult,
    LifecycleResult,
    LifecycleRules,
    propose_kind,
    trace_flow,
    trace_lifecycle,
)
from analytics.mapping import MappedTable
from analytics.personas import PersonasResult, describe_personas, labels_of, own_features
from analytics.population import PopulationSpec, observe
from analytics.privacy import (
    PrivacyScan,
    find_customer,
    protect_quarantine,
    pseudonymise,
    pseudonymise_ids,
    scan_dataset,
)
from analytics.privacy import owner_list as list_for_owner
from analytics.quality import ValidationResult
from analytics.schema import CUSTOMERS, TABLES
from analytics.segmentation import (
    Scenario,
    SegmentationResult,
    SegmentationSpec,
    align_segments,
    prepare,
    prepared_by,
    segment,
)
from analytics.segmentation.evidence import EvidenceResult, weigh_cut, weigh_numbers
from analytics.segmentation.explaining import ExplainSpec, Explanation, explain_segments
from analytics.segmentation.naming import rename_segments
from analytics.segmentation.presets import suited_method
from analytics.survival import (
    HazardsResult,
    OutlookResult,
    Spells,
    SurvivalResult,
    SurvivalSpec,
    find_spells,
    fit_hazards,
    foresee,
    study_survival,
)
from analytics.traits import gather_traits
from analytics.usage import UsageResult, study_usage
from analytics.value import ValueResult, estimate_value
from app_pages.ui import intake, session
from app_pages.ui.compute import compute, forget, once_per_run

MOST_ENDS = 6  # values of a column that may say who is gone
ID = "customer_id"
DIRECT_FIELDS = frozenset({"name", "email", "phone"})
MANY_CUSTOMERS = 100_000  # beyond these preparing them for segments takes longer than a moment
SLOW_METHODS = frozenset({"mixture", "hierarchical"})
HEAVY_CUSTOMERS = 20_000  # beyond these comparing them takes longer than a moment


def erase(asked: str) -> None:
    """Erase a customer, found by id or pseudonym, from everything this session holds but the upload itself.

    Raises ``AnalysisError``: ``not_allowed``, before anything is looked for, and ``customer_not_found``.
    """
    session.require("erase")
    records = merging().records if is_merging() and can_match() else None
    digests = find_customer(merged(), asked, session.secret(), records)
    columns = {
        column for table in intake.mapped_tables() for column, field in table.spec.columns if field == "customer_id"
    }
    columns |= {theirs for join in session.workspace().joins for mine, theirs in join.on if mine == "customer_id"}
    session.erase(digests, tuple(sorted(columns)))
    forget()


def cleaned() -> dict[str, pl.DataFrame]:
    """The tables as they leave the app: no personal data, money in whole currency units."""
    return compute(in_currency_units, protected(), heavy=_is_large(protected()))


def joinable(files: tuple[MappedTable, ...]) -> dict[str, str]:
    """What a second table may be joined on: "table.column" -> the column; canonical fields, then the files' own."""
    data, there = settled().dataset, {mapped.table for mapped in files}
    fields = [
        (table, field.name)
        for table in JOINED
        for field in TABLES[table].fields
        if table in there and table in data.tables and field.name in data.tables[table].columns
    ]
    return {f"{table}.{name}": name for table, name in (*fields, *compute(own_columns, data, files))}


@once_per_run
def settled() -> CurrencyResult:
    """The validated Dataset in one currency."""
    dataset = intake.validated().dataset
    heavy = sum(frame.height for frame in dataset.tables.values()) > intake.HEAVY_ROWS
    return compute(settle_currency, dataset, session.workspace().currencies, heavy=heavy)


@once_per_run
def joined() -> tuple[Dataset, tuple[tuple[JoinSpec, LookupResult], ...]]:
    """The Dataset with every second table joined, and each join; a table that is gone adds nothing."""
    dataset, results = settled().dataset, []
    for spec in session.workspace().joins:
        if (spec.source, spec.sheet) in intake.second_tables():
            result = compute(join_lookup, dataset, intake.second_table(spec.source, spec.sheet), spec)
            dataset = result.dataset
            results.append((spec, result))
    return dataset, tuple(results)


def matched() -> MatchResult:
    """Which customer records are probably one person."""
    return _matches(session.workspace().matching)


def _matches(spec: MatchSpec) -> MatchResult:
    dataset = joined()[0]
    return compute(match_customers, dataset, spec, heavy=dataset.table("customers").height > HEAVY_CUSTOMERS)


def can_match() -> bool:
    """Whether there are customers with anything to tell them by."""
    dataset = joined()[0]
    return dataset.has("customers.customer_id") and any(dataset.has(f"customers.{name}") for name in FIELDS)


def is_merging() -> bool:
    """Whether the person asked for any merge."""
    spec = session.workspace().matching
    return spec.automatic or bool(spec.accepted)


def merging() -> MergeResult:
    """The Dataset with one id per person, and what that changes."""
    return compute(merge_customers, joined()[0], matched())


def proposal() -> MergeResult:
    """What stands; as long as nothing is merged, what accepting every proposed pair would change."""
    if is_merging():
        return merging()
    spec = dataclasses.replace(session.workspace().matching, automatic=True)
    return compute(merge_customers, joined()[0], _matches(spec))


@once_per_run
def merged() -> Dataset:
    """The Dataset with one id per person; untouched, and nothing compared, as long as nobody asked for a merge."""
    return merging().dataset if is_merging() and can_match() else joined()[0]


@once_per_run
def scanned() -> PrivacyScan:
    """Which columns hold personal data."""
    dataset = merged()
    return compute(scan_dataset, dataset, session.workspace().privacy, heavy=_is_large(dataset))


@once_per_run
def protected() -> Dataset:
    """What every analysis starts from: no name, e-mail, phone or number of a real person in it."""
    dataset, found = merged(), scanned()
    inputs = (dataset, found, session.workspace().privacy, session.secret())
    return compute(pseudonymise, *inputs, heavy=_is_large(dataset))


def set_aside() -> ValidationResult:
    """The outcome of validation with the rows set aside free of personal data, the erased not among them."""
    columns = {pair for table in intake.mapped_tables() for pair in table.spec.columns}
    ids = tuple(sorted(column for column, field in columns if field == "customer_id"))
    direct = tuple(sorted(column for column, field in columns if field in DIRECT_FIELDS))
    inputs = [direct, ids, session.workspace().privacy, session.secret()]
    if session.erased():
        inputs.append(pl.concat([intake.cleared_rows(source) for source in intake.own_tables()]))
    return compute(protect_quarantine, intake.validated(), *inputs)


def owner_list() -> pl.DataFrame:
    """The way back for the owner: each customer as shown, and as the files have them.

    Raises ``AnalysisError("not_allowed")`` for everybody else.
    """
    session.require("export_ids")
    return compute(list_for_owner, merged(), protected(), session.secret())


def safe_tables(tables: Mapping[str, pl.DataFrame]) -> Aggregates:
    """Tables as they may leave: small cells empty."""
    named = {title: frame for title, frame in tables.items() if "customer_id" not in frame.columns}
    safe = compute(listed_aggregates, tuple(named), session.workspace().privacy.k, *named.values())
    return dataclasses.replace(safe, tables={title: safe.tables.get(title, frame) for title, frame in tables.items()})


def shareable(frame: pl.DataFrame, *ids: str) -> pl.DataFrame:
    """A table with customer ids as they came (columns ``ids``), as it may leave: with pseudonyms wherever the pages
    show pseudonyms."""
    replaced = scanned().ids_are_personal or session.workspace().privacy.pseudonymise_ids
    return compute(pseudonymise_ids, frame, ids, session.secret()) if replaced else frame


def given_away() -> dict[str, pl.DataFrame]:
    """The tables for somebody else: as they leave the app, and every customer id a pseudonym."""
    replaced = scanned().ids_are_personal or session.workspace().privacy.pseudonymise_ids
    tables = cleaned()
    if replaced:
        return tables
    return {name: compute(pseudonymise_ids, frame, (ID,), session.secret()) for name, frame in tables.items()}


def known_day() -> date | None:
    """The last day of the data; None where they have no dates."""
    day = protected().as_of
    return None if day == UNKNOWN_DAY else day


def cost_of_small_groups(_: Words) -> str:
    """What the smallest exported group costs in the tables of Lifecycle."""
    try:
        result = lifecycle()
    except AnalysisError:
        return _("These data have no orders of customers, so there are no small groups to hide.")
    tables = {"c": result.cohorts, "s": result.stages, "t": result.transitions, "m": result.movement}
    return small_groups(safe_tables(tables), _)


def small_groups(safe: Aggregates, _: Words) -> str:
    """One sentence on the cells that a download leaves empty."""
    return _(
        "{hidden} of {all} cells are left empty, because they or a neighbour hold fewer than {k} customers; at most "
        "{n} customers stand in the empty cells of one table.",
        hidden=safe.n_hidden,
        all=safe.n_cells,
        k=session.workspace().privacy.k,
        n=safe.n_hidden_customers,
    )


def _is_large(dataset: Dataset) -> bool:
    return sum(frame.height for frame in dataset.tables.values()) > intake.HEAVY_ROWS


def observed() -> Dataset:
    """The Dataset as of the chosen day, for the chosen population and definitions."""
    return _observed(session.workspace().population)


@once_per_run
def _observed(population: PopulationSpec) -> Dataset:
    heavy = _is_large(protected())
    return compute(observe, protected(), population, session.workspace().definitions, heavy=heavy)


@once_per_run
def customers(population: PopulationSpec | None = None) -> CustomerTable:
    """One row per customer of the observed Dataset, with all traits; of another ``population`` where one is given."""
    seen = observed() if population is None else _observed(population)
    heavy = _is_large(seen)
    return compute(gather_traits, compute(summarise_customers, seen, heavy=heavy), seen, heavy=heavy)


def segments() -> SegmentationResult:
    """The present segmentation, on which personas and demand by segment build."""
    return scenario_segments(present())


def present() -> Scenario:
    """The present cut as a scenario."""
    workspace = session.workspace()
    return Scenario("", workspace.segmentation, workspace.population)


@once_per_run
def scenario_segments(scenario: Scenario) -> SegmentationResult:
    """The segments of any scenario, with the labels of the reference cut where there is one that can be had."""
    reference = session.workspace().reference
    own = _cut(scenario)
    if reference is not None and dataclasses.replace(reference, name=scenario.name) != scenario:
        # Where the reference does not hold for these data, the cut keeps labels of its own.
        with suppress(AnalysisError):
            own = compute(align_segments, own, _cut(reference))
    return compute(rename_segments, own, session.workspace().segment_names)


def beside(scenario: Scenario, a: SegmentationResult) -> SegmentationResult:
    """The segments of a scenario, with the labels of the segments ``a`` that it stands beside."""
    return compute(align_segments, _cut(scenario), a)


@once_per_run
def _cut(scenario: Scenario) -> SegmentationResult:
    held, spec = customers(scenario.population), scenario.segmentation
    if spec.n_segments is None and (number := _weighed(held, spec).recommended) is not None:
        spec = dataclasses.replace(spec, n_segments=number)
    return cut(held, spec)


def cut(held: CustomerTable, spec: SegmentationSpec) -> SegmentationResult:
    """Customers cut by ``spec``; what does not depend on its number of segments is prepared once for all numbers."""
    prepared = compute(prepare, held, *prepared_by(held, spec), heavy=held.frame.height > MANY_CUSTOMERS)
    return compute(segment, held, spec, prepared, heavy=spec.method in SLOW_METHODS)


def evidence() -> EvidenceResult:
    """What speaks for each number of segments; weighed once for all of them."""
    return _weighed(customers(), session.workspace().segmentation)


def _weighed(held: CustomerTable, spec: SegmentationSpec) -> EvidenceResult:
    return compute(weigh_numbers, held, dataclasses.replace(spec, n_segments=None), heavy=True)


def explanation() -> Explanation:
    """What sets the present segments apart, and how they can be told."""
    return compute(explain_segments, customers(), segments(), ExplainSpec(), heavy=True)


def labels() -> CustomerLabels:
    """The present segments as labels."""
    return segments().labels


def labels_if_any() -> CustomerLabels | None:
    """The present segments where these data can be cut; what only looks at them by the way goes on without."""
    try:
        return labels()
    except AnalysisError:
        return None


@once_per_run
def lifecycle() -> LifecycleResult:
    """The stages of all customers, their history and cohorts."""
    return compute(trace_lifecycle, observed(), session.workspace().lifecycle, heavy=True)


def stage_flow(rules: LifecycleRules) -> FlowResult:
    """Who moved between the two chosen days."""
    return compute(trace_flow, observed(), session.workspace().stage_flow, rules)


@once_per_run
def lifecycle_proposal() -> str:
    """What these data tell of: "orders" or "subscription"."""
    return compute(propose_kind, observed())[0]


def lifecycle_kind() -> str:
    """What they are taken for: the choice, else the proposal."""
    chosen = session.workspace().lifecycle.business
    return lifecycle_proposal() if chosen == "auto" else chosen


def usage(held: CustomerLabels | None = None) -> UsageResult:
    """How customers browse, and who does it less than before: of which segment, where its labels are ``held``."""
    spec = session.workspace().usage
    return compute(study_usage, observed(), spec, *([held] if held else []), heavy=_is_large(observed()))


def warning() -> ChurnResult:
    """Who is about to leave. What takes long is learned once for every capacity and every measure of worth."""
    spec, data = session.workspace().churn, observed()
    lessons = compute(learn_churn, data, learning(spec), heavy=True)
    return compute(judge, data, lessons, spec, heavy=_is_large(data) and len(lessons.risks.risk) > HEAVY_CUSTOMERS)


def few_valued() -> dict[str, list[str]]:
    """Columns of the customers table that hold two to six values, with these: one of them may say who is gone."""
    held = observed().tables.get("customers")
    if held is None:
        return {}
    found = {}
    for name in held.columns:
        if name in CUSTOMERS and CUSTOMERS[name].role in ("id", "time", "text"):
            continue
        if 2 <= held[name].n_unique() <= MOST_ENDS + 1:
            values = held[name].drop_nulls().cast(pl.String).unique().sort().to_list()
            if 2 <= len(values) <= MOST_ENDS:
                found[name] = values
    return found


def value() -> ValueResult:
    """What each customer is likely to buy and to be worth."""
    return compute(estimate_value, observed(), session.workspace().value, heavy=True)


def spells() -> Spells:
    """How long each customer stayed so far."""
    data, spec = observed(), session.workspace().survival.clock
    heavy = "transactions" in data.tables or data.table("customers").height > HEAVY_CUSTOMERS
    return compute(find_spells, data, spec, heavy=heavy)


def survival() -> SurvivalResult:
    """How long customers stay, compared by the chosen groups."""
    spec = session.workspace().survival
    held = spells()
    asked = dataclasses.replace(SurvivalSpec(), clock=spec.clock, group_by=spec.group_by, level=spec.level)
    asked = dataclasses.replace(asked, horizon_days=spec.horizon_days)
    inputs = [labels()] if spec.group_by == "segment" else []
    return compute(study_survival, held, observed(), asked, *inputs, heavy=held.n_customers > HEAVY_CUSTOMERS)


def hazards() -> HazardsResult:
    """What goes with leaving."""
    spec, held = session.workspace().survival, spells()
    asked = dataclasses.replace(spec, group_by="", horizon_days=365, outlook_days=90)
    inputs = [labels()] if "segment" in (*(spec.covariates or ()), *spec.stratify) else []
    return compute(fit_hazards, held, observed(), asked, *inputs, heavy=held.n_customers > HEAVY_CUSTOMERS)


def survival_outlook() -> OutlookResult:
    """When each customer will probably leave or order next; by tenure alone where nothing else is known."""
    spec, held = session.workspace().survival, spells()
    given = None
    if held.clock in ("membership", "tenure"):
        with suppress(AnalysisError):
            given = hazards()
    asked = dataclasses.replace(spec, group_by="", horizon_days=365)
    heavy = given is None or held.n_customers > HEAVY_CUSTOMERS
    return compute(foresee, held, observed(), asked, given, heavy=heavy)


def persona_groups() -> SegmentationResult:
    """The groups that personas describe: the present segments, or a clustering of their own."""
    spec = session.workspace().personas
    if spec.source == "segments":
        return segments()
    held = customers()
    features = spec.own_features or own_features(held)
    own = SegmentationSpec(suited_method(held, features), features, n_segments=spec.own_number)
    return _cut(Scenario("", own, session.workspace().population))


@once_per_run
def personas() -> PersonasResult:
    """The persona cards; what built their groups is marked as such."""
    groups, held = persona_groups(), customers()
    spec = dataclasses.replace(session.workspace().personas, built_from=tuple(groups.features["feature"].to_list()))
    heavy = held.frame.height > HEAVY_CUSTOMERS
    return compute(describe_personas, held, groups.labels, spec, observed(), heavy=heavy)


def persona_names(_: Words) -> dict[str, str]:
    """What the groups of the personas are called before a person calls them otherwise."""
    return compute(segment_names, persona_groups().names, _)


def persona_cards(_: Words) -> tuple[Card, ...]:
    """The cards as they are read, with what the person wrote."""
    codes, edits = dict(persona_groups().names), session.workspace().persona_edits
    return compute(cards, personas(), persona_names(_), codes, edits, _)


def persona_stability() -> float | None:
    """How far the groups come back when customers are drawn anew: mean ARI, None where it is not known."""
    groups = persona_groups()
    return compute(weigh_cut, _weighed(customers(), groups.spec), groups).stability


def persona_labels() -> CustomerLabels:
    """Who belongs to which persona, for later pages."""
    return labels_of(personas())


def persona_list(_: Words) -> pl.DataFrame:
    """Who belongs to which persona by name: ids as the pages show them."""
    called = {card.label: card.name for card in persona_cards(_)}
    return persona_labels().frame.with_columns(persona=pl.col("label").replace(called))


def names(_: Words) -> dict[str, str]:
    """What the present segments are called: label -> "2 · Loyal"."""
    return compute(segment_names, segments().names, _)


def demand_labels(by: By) -> tuple[CustomerLabels, ...]:
    """Whose demand, where it is split by groups of customers: the labels ``build_panel`` needs, else none."""
    if by == "segment":
        return (labels(),)
    if by == "persona":
        return (persona_labels(),)
    return (lifecycle().labels,) if by == "stage" else ()


def demand_names(by: By, _: Words) -> dict[str, str]:
    """What groups of customers are called, by their label; empty where the data name their own."""
    if by == "segment":
        return names(_)
    if by == "persona":
        return persona_names(_)
    if by == "stage":
        return {stage: _.label("stage", stage) for stage in lifecycle().labels.labels}
    return {}


def periods(n: int, frequency: str, _: Words) -> str:
    """A length of time in words."""
    if frequency == "day":
        return _.ngettext("{n} day", "{n} days", n)
    return _.ngettext("{n} week", "{n} weeks", n) if frequency == "week" else _.ngettext("{n} month", "{n} months", n)
