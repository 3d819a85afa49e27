"""Alembic environment of the log store."""

from pathlib import Path

from infra.chassis.migrations import run_environment
from services.events.log_tables import log_metadata

run_environment(Path(__file__).parent, log_metadata)
