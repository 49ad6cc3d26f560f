"""Independent random streams, named by a path of small integers.

Every part of a world draws from its own stream, so that adding a draw in one part changes no other part,
and every block of customers draws from streams of its own, so that blocks can be made one after another in
bounded memory and still come out the same each time.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """First number of a stream's path: which part of the world draws from it."""

    SEGMENTS = 1
    PRODUCTS = 2
    SEASONS = 3
    PROMOTIONS = 4
    CAMPAIGNS = 5
    VOICES = 6
    PEOPLE = 10
    ORDERS = 11
    LINES = 12
    RETURNS = 13
    WALK_INS = 14
    VISITS = 15
    CONTACTS = 16
    FEEDBACK = 17
    SURVEY = 18
    RECIPIENTS = 19
    DAMAGE = 30
    SERVICE = 40
    SUBSCRIBERS = 41
    LIVES = 42
    PLAYS = 43
    CALLS = 44
    FEES = 45
    PRODUCT_LIVES = 46


def stream(seed: int, part: Part, block: int = 0) -> np.random.Generator:
    """Return the random stream of one part of the world and one block of customers."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(int(part), block))
    return np.random.Generator(np.random.PCG64(sequence))
