"""BG/NBD: customers buy at a rate of their own and may leave after each repeat purchase.

P. S. Fader, B. G. S. Hardie and K. L. Lee, "Counting your customers" the easy way, Marketing Science 24(2), 2005;
static covariates as in Fader and Hardie's note of 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analytics.btyd.beta_geometric import BetaGeometric, fit
from analytics.btyd.histories import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class BgNbd(BetaGeometric):
    """A fitted BG/NBD. A customer without a repeat purchase is alive with certainty: nobody leaves before one."""

    name: ClassVar[str] = "bg_nbd"
    chances: ClassVar[int] = 0


def fit_bg_nbd(x: Ints, t_x: Floats, T: Floats, z: Floats | None = None, *, unit_days: float = 7.0) -> BgNbd:
    """Maximum likelihood of r, alpha, a, b and, with covariates ``z`` (n x k), their coefficients.

    Each customer then has alpha exp(-z g1), a exp(z g2) and b exp(z g3); ``z`` in whatever units. Customers with T = 0
    are welcome and say nothing. ``unit_days`` is the unit of t_x and T. Raises ``AnalysisError`` with the codes of
    ``identify.check_histories`` and ``identify.check_optimum``.
    """
    return BgNbd(*fit(x, t_x, T, z, BgNbd.chances, unit_days))
