"""The worlds: seeded generators of customer data whose planted truth is written beside the data.

Nothing here imports `analytics`: the generator of planted truth marks nobody's homework.
"""
