"""What a finding means: which pages it touches, why, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass

_EVERYWHERE = ("personas", "segmentation", "lifecycle", "forecasting")
_PER_CUSTOMER = ("personas", "segmentation", "lifecycle")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Pages in the order of the walk; ``why.<reason>`` are the words; what can be done.

    ``choices``: fields of ``QualitySpec``, repairs before thresholds. ``actions``: what a person's own step
    (``recipe.Action``) can do with the rows or the field. Without either the answer lies in the mapping (page upload)
    or in the export itself.
    """

    pages: tuple[str, ...]
    reason: str
    choices: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


_NOTHING = ("validation",)
_MEANINGS: dict[str, Meaning] = {
    # rows that are no rows
    "blank_rows": Meaning(_NOTHING, "nothing"),
    "totals_row": Meaning(_EVERYWHERE, "counts_double"),
    "too_many_cells": Meaning(("upload", *_EVERYWHERE), "cells_shifted", ("unparsed",)),
    "no_rows_left": Meaning(("upload", *_EVERYWHERE), "no_rows", ("unparsed", "missing_date", "future_dates")),
    # told twice
    "duplicate_rows": Meaning(_EVERYWHERE, "counts_double", ("duplicates",), ("set_aside",)),
    "repeated_rows": Meaning(_EVERYWHERE, "perhaps_double", (), ("set_aside",)),
    "overlapping_files": Meaning(_EVERYWHERE, "counts_double", ("overlaps",)),
    "order_twice": Meaning(_EVERYWHERE, "counts_double", ("order_twice_minutes",), ("set_aside",)),
    "customer_twice": Meaning(("integration", *_PER_CUSTOMER), "customers_split", ("same_customer",)),
    # customers
    "all_ids_missing": Meaning(("upload", *_PER_CUSTOMER), "no_customer"),
    "missing_customer": Meaning(_PER_CUSTOMER, "no_customer", ("missing_customer",)),
    "orphans": Meaning(("integration", "personas"), "cannot_join", (), ("set_aside", "strip_start")),
    "customers_without_orders": Meaning(("personas", "lifecycle"), "never_bought", (), ("set_aside",)),
    "test_accounts": Meaning(_EVERYWHERE, "not_a_sale", ("test_accounts",)),
    "ids_written_otherwise": Meaning(("integration", *_PER_CUSTOMER), "cannot_join", (), ("strip_start",)),
    "id_form_changes": Meaning(("integration", *_EVERYWHERE), "split_in_time", ("drift_share",), ("strip_start",)),
    # time
    "missing_date": Meaning(("lifecycle", "forecasting"), "no_time", ("missing_date",)),
    "not_a_date": Meaning(("upload", "lifecycle", "forecasting"), "no_time", ("unparsed",)),
    "impossible_date": Meaning(("lifecycle", "forecasting"), "no_time", ("unparsed",)),
    "two_date_formats": Meaning(("lifecycle", "forecasting"), "time_wrong"),
    "date_order_mixed": Meaning(("upload", "lifecycle", "forecasting"), "time_wrong"),
    "date_order_unclear": Meaning(("upload", "lifecycle", "forecasting"), "no_time", ("unparsed",)),
    "future_dates": Meaning(("lifecycle", "forecasting"), "time_wrong", ("future_dates", "as_of"), ("set_aside",)),
    "early_dates": Meaning(("lifecycle", "forecasting"), "time_wrong", ("early_dates",), ("set_aside",)),
    "left_before_joined": Meaning(("lifecycle",), "time_wrong", (), ("empty",)),
    "days_missing": Meaning(("lifecycle", "forecasting"), "demand_hole", ("gap_days", "gap_open_share")),
    "days_closed": Meaning(("forecasting",), "demand_hole", ("gap_days", "gap_open_share")),
    # money and quantity
    "not_a_number": Meaning(("upload", *_EVERYWHERE), "revenue_wrong", ("unparsed",)),
    "amount_filled": Meaning(_EVERYWHERE, "revenue_wrong"),
    "amount_mismatch": Meaning(_EVERYWHERE, "revenue_wrong", (), ("set_aside",)),
    "amount_negative": Meaning(_EVERYWHERE, "taken_back", (), ("set_aside",)),
    "zero_amount": Meaning(("segmentation", "lifecycle"), "not_a_sale", (), ("set_aside",)),
    "negative_price": Meaning(_EVERYWHERE, "revenue_wrong", ("negative_price",), ("set_aside",)),
    "zero_price": Meaning(_EVERYWHERE, "not_a_sale", ("zero_price",)),
    "quantity_not_positive": Meaning(_EVERYWHERE, "taken_back", (), ("set_aside",)),
    "outlier_quantity": Meaning(_EVERYWHERE, "revenue_wrong", ("outlier_times_usual",), ("set_aside", "replace")),
    "outlier_amount": Meaning(_EVERYWHERE, "revenue_wrong", ("outlier_times_usual",), ("set_aside", "replace")),
    "unit_jump": Meaning(_EVERYWHERE, "revenue_wrong", (), ("scale", "set_aside")),
    "other_currency": Meaning(("integration", *_EVERYWHERE), "revenue_wrong", ("unparsed", "currency")),
    "service_codes": Meaning(_EVERYWHERE, "not_a_sale", ("service_codes",)),
    # taken back
    "cancellations": Meaning(_EVERYWHERE, "taken_back", (), ("set_aside",)),
    "cancellation_without_original": Meaning(("segmentation", "lifecycle"), "back_alone", (), ("set_aside",)),
    "reversals_matched": Meaning(("segmentation", "lifecycle", "forecasting"), "taken_back"),
    "reversals_of_purchases": Meaning(("segmentation", "lifecycle", "forecasting"), "taken_back"),
    "reversal_without_purchase": Meaning(("segmentation", "lifecycle"), "back_alone", (), ("set_aside",)),
    # categories and attributes
    "missing": Meaning(("personas", "segmentation"), "fewer_described", (), ("replace", "set_aside")),
    "spelling_variants": Meaning(("personas", "segmentation", "forecasting"), "groups_split", ("spelling_variants",)),
    "other_spellings": Meaning(("personas", "segmentation", "forecasting"), "groups_split", (), ("recode",)),
    "category_renamed": Meaning(
        ("personas", "segmentation", "forecasting"), "groups_split", ("drift_share",), ("recode",)
    ),
    "category_appears": Meaning(("personas", "forecasting"), "new_in_time", ("drift_share",), ("recode",)),
    "category_vanishes": Meaning(("personas", "forecasting"), "new_in_time", ("drift_share",), ("recode",)),
    "category_sets_differ": Meaning(
        ("personas", "segmentation", "forecasting"), "groups_split", ("drift_share",), ("recode",)
    ),
    "column_type_differs": Meaning(("upload", "personas", "segmentation"), "groups_split", (), ("replace", "empty")),
    "constant_column": Meaning(("personas", "segmentation"), "no_groups"),
    "nearly_unique_column": Meaning(("upload", "personas", "segmentation"), "own_group", ("near_unique_share",)),
    "not_yes_or_no": Meaning(("personas", "segmentation"), "fewer_described", (), ("replace",)),
    "impossible_age": Meaning(("personas", "segmentation"), "fewer_described", ("impossible_values",)),
    "impossible_birth_year": Meaning(("personas", "segmentation"), "fewer_described", ("impossible_values",)),
    "impossible_rating": Meaning(("personas",), "fewer_described", ("impossible_values",)),
    "impossible_value": Meaning(("personas",), "fewer_described", ("impossible_values",)),
    "invalid_email": Meaning(("integration", "personas"), "cannot_join", (), ("empty",)),
}  # fmt: skip
CODES = frozenset(_MEANINGS)


def meaning(code: str) -> Meaning:
    """What the finding ``code`` means; raises ``KeyError`` for a code that no check has."""
    return _MEANINGS[code]
