"""Buy till you die: models of customers who buy again at their own rate until, unseen, they stop.

Pure numerics on one row per customer; what a customer is worth, and how well the models hold, is told by the analyses.
"""
