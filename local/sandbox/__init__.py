"""Imitate Batch's REST API on loopback, so that calls can be tried before they touch a customer's project.

It knows nothing of the program that calls it, so its judgement of that program's calls is independent.
"""
