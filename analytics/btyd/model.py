"""What every fitted model of repeat buying can do, whichever it is.

x, t_x and T are arrays of one element per customer (see ``histories``); time is in the unit of the fit. ``z`` are the
static covariates of the same customers (n x k), given exactly where the model was fitted with them. A customer with
x = 0, t_x = 0 and T = 0 is a new one. Every answer is an array of one element (or one row) per customer.
"""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np

from analytics.btyd.histories import Floats, Ints


class RepeatModel(Protocol):
    """A fitted model; frozen and picklable."""

    @property
    def name(self) -> str:
        """ "bg_nbd", "mbg_nbd" or "pareto_nbd"."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Of the base model first, then one coefficient per covariate and place where it enters."""

    @property
    def parameters(self) -> Floats:
        """In the order of their names."""

    @property
    def log_covariance(self) -> Floats:
        """Covariance of the estimates, k x k: inverse Hessian. Of the logarithms; coefficients as they are."""

    @property
    def log_likelihood(self) -> float: ...

    @property
    def n_customers(self) -> int: ...

    def with_parameters(self, parameters: Floats) -> Self:
        """The same model with other parameters: one draw of parameter uncertainty."""

    def p_alive(self, x: Ints, t_x: Floats, T: Floats, z: Floats | None = None) -> Floats:
        """Probability that the customer has not left by T."""

    def expected_purchases(self, x: Ints, t_x: Floats, T: Floats, horizon: float, z: Floats | None = None) -> Floats:
        """Expected purchases within ``horizon`` units after T, given the history."""

    def expected_purchases_new(self, t: Floats | float, z: Floats | None = None) -> Floats:
        """Expected repeat purchases of a new customer within t units after the first purchase.

        With covariates there is one row of ``z`` for each t, or a single t for all rows.
        """

    def purchase_distribution(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, most: int, z: Floats | None = None
    ) -> Floats:
        """n x (most + 1): probability of exactly 0, 1, ... purchases within ``horizon``; last column: ``most`` or more.

        Exact; each row sums to one.
        """

    def p_purchase_by(self, x: Ints, t_x: Floats, T: Floats, t: Floats | float, z: Floats | None = None) -> Floats:
        """Probability that the next purchase comes within t units after T."""

    def discounted_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rate_per_unit: float, z: Floats | None = None
    ) -> Floats:
        """Expected purchases within ``horizon``, each worth exp(-rate_per_unit * time after T): continuous discounting.

        A yearly interest i is log(1 + i) * unit_days / 365.25 per unit.
        """

    def draw_purchases(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> Ints:
        """One draw of each customer's purchases within ``horizon`` from their predictive distribution."""

    def draw_times(
        self, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None = None
    ) -> tuple[Ints, Floats]:
        """One draw of *when*: purchases per customer, and all their times after T, customer by customer, ascending.

        ``np.repeat(np.arange(n), counts)`` is the customer of each time; what a draw is worth today is
        ``np.bincount(customer, value * np.exp(-rate_per_unit * times), n)``.
        """
