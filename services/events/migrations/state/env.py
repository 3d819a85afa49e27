"""Alembic environment of the state store."""

from pathlib import Path

from infra.chassis.migrations import run_environment
from services.events.tables import state_metadata

run_environment(Path(__file__).parent, state_metadata)
