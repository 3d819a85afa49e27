"""Execution of queries by plan: what does not depend on a request is worked out once for each document.

A `Plan` does what graphql-core's executor does, for schemas that Strawberry made, with the same answers: data, errors,
their paths and places. It is not general: what it has no plan for is executed by Strawberry as ever. See `plans`.
"""
