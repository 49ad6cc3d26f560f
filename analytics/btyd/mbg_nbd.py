"""MBG/NBD: the BG/NBD in which a customer may leave right after the first purchase too.

E. P. Batislam, M. Denizel and A. Filiztekin, Empirical validation and comparison of models for customer base analysis,
International Journal of Research in Marketing 24(3), 2007. Who never came back may so be gone, which the BG/NBD denies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analytics.btyd.beta_geometric import BetaGeometric, fit
from analytics.btyd.histories import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class MbgNbd(BetaGeometric):
    """A fitted MBG/NBD."""

    name: ClassVar[str] = "mbg_nbd"
    chances: ClassVar[int] = 1


def fit_mbg_nbd(x: Ints, t_x: Floats, T: Floats, z: Floats | None = None, *, unit_days: float = 7.0) -> MbgNbd:
    """Maximum likelihood of r, alpha, a, b and, with covariates, their coefficients; all as in ``fit_bg_nbd``."""
    return MbgNbd(*fit(x, t_x, T, z, MbgNbd.chances, unit_days))
