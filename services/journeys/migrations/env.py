"""Alembic environment of the journeys store."""

from pathlib import Path

from infra.chassis.migrations import run_environment
from services.journeys.store import metadata

run_environment(Path(__file__).parent, metadata)
