"""The choices of a segmentation as widgets: method, number, features by family with weights, RFM cuts, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.charts.segmentation import segment_name
from analytics.customers import CustomerTable
from analytics.errors import AnalysisError
from analytics.i18n import N_, Words
from analytics.segmentation import SegmentationResult
from analytics.segmentation.naming import LONGEST_NAME, with_name
from analytics.segmentation.presets import feature_presets, starting_rules, suited_method
from app_pages.ui import segment_rules, session, widgets
from app_pages.ui.compute import compute

PRESENT = "segmentation"  # the path of the present cut's spec; that of a scenario is "scenarios.0.segmentation"
NUMBERS = (2, 3, 4, 5, 6, 7, 8)
NUMBERED = frozenset({"kmeans", "mixture", "hierarchical"})
METHODS = ("kmeans", "mixture", "hierarchical", "rfm", "rules")
FAMILIES = {
    "behaviour": N_("Behaviour"),
    "needs": N_("Needs"),
    "demographics": N_("Demographics"),
    "psychographics": N_("Psychographics"),
}
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
OWN = "own"
RFM_CUTS = {"recency_cuts": "recency_days", "frequency_cuts": "n_orders", "monetary_cuts": "revenue"}


def choose(_: Words, customers: CustomerTable, section: str = PRESENT) -> None:
    """The choices above the answer: those that everybody makes in a row, the rest folded away below."""
    spec = session.spec(section)
    _method(_, customers, section)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key=_key(section, "controls")):
        if spec.method in NUMBERED:
            widgets.slider(
                section,
                "n_segments",
                _("Number of segments"),
                {None: _("Auto"), **{n: str(n) for n in NUMBERS}},
                width=300,
            )
            _preset(_, customers, section)
        elif spec.method == "rfm":
            _scores(_, section)
            widgets.segmented(f"{section}.rfm", "cuts", _("Cuts"), widgets.options(f"{section}.rfm", "cuts", _))
    if spec.method in NUMBERED:
        with st.expander(_("Features and weights"), icon=":material/tune:", type="compact"):
            _families(_, customers, section)
    elif spec.method == "rfm" and spec.rfm.cuts == "fixed":
        with st.expander(_("Own cuts"), icon=":material/content_cut:", type="compact", expanded=True):
            _cuts(_, section)
    elif spec.method == "rules" and section == PRESENT:  # a scenario keeps the rules it was pinned with
        with st.expander(_("Rules"), icon=":material/rule:", type="compact", expanded=True):
            segment_rules.edit(_, customers)


def _key(section: str, name: str) -> str:
    """The key of a widget: a scenario's are its own."""
    return name if section == PRESENT else f"{section}.{name}"


def _method(_: Words, customers: CustomerTable, section: str) -> None:
    key = f"{section}.method"
    session.bind(key, session.spec(section).method)
    st.segmented_control(
        _("Method"),
        METHODS,
        format_func={code: _.phrase(f"option.method.{code}") for code in METHODS}.__getitem__,
        key=key,
        required=True,
        on_change=_set_method,
        args=(section, customers, (_("Frequent buyers"), _("Newcomers"), _("Long silent"))),
        disabled=not session.may("change"),
    )


def _set_method(section: str, customers: CustomerTable, names: tuple[str, str, str]) -> None:
    """Another method; own rules begin with examples, so that there is something to change."""
    spec = session.spec(section)
    method = session.widget_value(f"{section}.method")
    rules = spec.rules or (starting_rules(customers, names) if method == "rules" else ())
    session.change_spec(section, method=method, rules=rules)


# ---- features


def _preset(_: Words, customers: CustomerTable, section: str) -> None:
    presets, key = dict(compute(feature_presets, customers)), _key(section, "feature-preset")
    now = frozenset(session.spec(section).features)
    shown = next((code for code, features in presets.items() if frozenset(features) == now), OWN)
    labels = {code: _.phrase(f"preset.{code}") for code in presets}
    if shown == OWN:
        labels[OWN] = _.phrase("preset.own")
    session.bind(key, shown)
    st.selectbox(
        _("Built from"),
        list(labels),
        format_func=labels.__getitem__,
        key=key,
        on_change=_set_preset,
        args=(section, presets, customers),
        width=260,
        disabled=not session.may("change"),
    )


def _set_preset(section: str, presets: Mapping[str, tuple[str, ...]], customers: CustomerTable) -> None:
    """Other features, with the method that suits them; a hierarchy somebody chose stays one."""
    chosen = session.widget_value(_key(section, "feature-preset"))
    if chosen in presets:
        features, method = presets[chosen], session.spec(section).method
        method = method if method == "hierarchical" else suited_method(customers, features)
        session.change_spec(section, features=features, method=method)


def _families(_: Words, customers: CustomerTable, section: str) -> None:
    """Features of each family, and how much the family counts; a weight matters from two families on."""
    spec = session.spec(section)
    members = {family: [trait.name for trait in customers.traits if trait.family == family] for family in FAMILIES}
    there = {family: names for family, names in members.items() if names}
    used = [family for family, names in there.items() if set(names) & set(spec.features)]
    weights = dict(spec.weights)
    st.markdown(
        f":small[:gray[{_('Chosen features of one family count together; a weight says how much beside the others.')}]]"
    )
    for family, names in there.items():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            key = _key(section, f"features-{family}")
            session.bind(key, [name for name in names if name in spec.features])
            st.multiselect(
                _(FAMILIES[family]),
                names,
                format_func={name: _.label("field", name) for name in names}.__getitem__,
                key=key,
                on_change=_set_features,
                args=(section, family, names),
                placeholder=_("none chosen"),
                width="stretch",
                disabled=not session.may("change"),
            )
            if len(used) > 1 and family in used:
                key = _key(section, f"weight-{family}")
                weight = weights.get(family, 1.0)
                session.bind(key, weight)
                st.select_slider(
                    _("Weight"),
                    sorted({*WEIGHTS, weight}),
                    format_func=lambda value: f"× {value:g}",
                    key=key,
                    on_change=_set_weight,
                    args=(section, family),
                    width=180,
                    disabled=not session.may("change"),
                )


def _set_features(section: str, family: str, names: list[str]) -> None:
    chosen = session.widget_value(_key(section, f"features-{family}"))
    others = tuple(name for name in session.spec(section).features if name not in names)
    session.change_spec(section, features=(*others, *(name for name in names if name in chosen)))


def _set_weight(section: str, family: str) -> None:
    weights: dict[Any, float] = dict(session.spec(section).weights)
    weights[family] = session.widget_value(_key(section, f"weight-{family}"))
    kept = tuple((name, weight) for name, weight in sorted(weights.items()) if weight != 1)
    session.change_spec(section, weights=kept)


# ---- RFM


def _scores(_: Words, section: str) -> None:
    key = f"{section}.rfm.n_scores"
    session.bind(key, session.spec(section).rfm.n_scores)
    st.segmented_control(
        _("Scores"),
        (3, 4, 5),
        format_func=lambda n: f"1–{n}",
        key=key,
        required=True,
        on_change=_set_scores,
        args=(section,),
        disabled=not session.may("change"),
    )


def _set_scores(section: str) -> None:
    """Own cuts are as many as the scores less one: another number of scores begins without any."""
    n_scores = session.widget_value(f"{section}.rfm.n_scores")
    session.change_spec(f"{section}.rfm", n_scores=n_scores, **dict.fromkeys(RFM_CUTS, ()))


def _cuts(_: Words, section: str) -> None:
    """A person's own cuts, as rising numbers in one line per field."""
    rfm = session.spec(section).rfm
    st.markdown(f":small[:gray[{_('{n} rising numbers for each field; empty: equal parts.', n=rfm.n_scores - 1)}]]")
    with st.container(horizontal=True, gap="medium"):
        for name, field in RFM_CUTS.items():
            key = _key(section, f"rfm-{name}")
            session.bind(key, ", ".join(f"{cut:g}" for cut in getattr(rfm, name)))
            st.text_input(
                _.label("field", field),
                key=key,
                on_change=_set_cuts,
                args=(section, name, field),
                placeholder="30, 90, 180",
                disabled=not session.may("change"),
            )


def _set_cuts(section: str, name: str, field: str) -> None:
    text = session.widget_value(_key(section, f"rfm-{name}"))
    try:
        cuts = tuple(float(part) for part in text.replace("，", ",").replace("、", ",").split(",") if part.strip())
    except ValueError:
        scores = session.spec(section).rfm.n_scores
        session.tell(AnalysisError("rfm_cuts_wrong", field=field, n=scores - 1))
        return
    session.change_spec(f"{section}.rfm", **{name: cuts})


# ---- names


def names(_: Words, result: SegmentationResult) -> None:
    """A person's own names; an empty one gives the proposed name back."""
    own = dict(session.workspace().segment_names)
    with st.popover(_("Rename segments"), icon=":material/edit:", key="segment-names"):
        st.markdown(f":small[:gray[{_('The names go with the segments to every page. Empty: the proposed name.')}]]")
        held = result.sizes.filter(result.sizes["n_customers"] > 0)["label"].to_list()
        for i, (label, code) in enumerate(result.names, start=1):
            if label not in held:
                continue
            key = f"segment-name-{label}"
            session.bind(key, own.get(label, ""))
            st.text_input(
                f"{i}",
                key=key,
                max_chars=LONGEST_NAME,
                placeholder=segment_name(code, _),
                on_change=_rename,
                args=(label,),
                disabled=not session.may("change"),
            )


def _rename(label: str) -> None:
    text = session.widget_value(f"segment-name-{label}")
    try:
        session.change(segment_names=with_name(session.workspace().segment_names, label, text))
    except AnalysisError as error:
        session.tell(error)


def counted() -> object:
    """The choices as they are printed under "How this was counted": only those of the method."""
    spec = session.workspace().segmentation
    if spec.method in NUMBERED:
        return dataclasses.replace(spec, rules=())
    return spec
