"""The choices of privacy: what becomes of direct identifiers, of ids and of small cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analytics.errors import AnalysisError

FEWEST, MOST = 3, 100  # customers a shown cell may be asked to hold


@dataclass(frozen=True, slots=True)
class PrivacySpec:
    """What is done with personal data; there is no choice that lets it into an analysis.

    Attributes
    ----------
    identifiers : columns of names, e-mails, phones, identity numbers, cards and addresses become keyed pseudonyms
        ("pseudonym": equal values stay equal) or leave altogether ("drop").
    pseudonymise_ids : also replace customer ids that carry no personal data by themselves ("C0000003"). Ids that are
        e-mails, phones or identity numbers are always replaced.
    k : aggregated downloads show no cell with fewer customers than this.

    Raises ``AnalysisError("privacy_k_range")``.
    """

    identifiers: Literal["pseudonym", "drop"] = "pseudonym"
    pseudonymise_ids: bool = False
    k: int = 10

    def __post_init__(self) -> None:
        if not FEWEST <= self.k <= MOST:
            raise AnalysisError("privacy_k_range", k=self.k, lowest=FEWEST, highest=MOST)
