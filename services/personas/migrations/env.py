"""Alembic environment of the personas store."""

from pathlib import Path

from infra.chassis.migrations import run_environment
from services.personas.store import metadata

run_environment(Path(__file__).parent, metadata)
