"""The tables of this service."""

from __future__ import annotations

from infra.chassis.database import new_metadata
from infra.chassis.versioned.store import DocumentStore

metadata = new_metadata()
personas = DocumentStore(metadata, "personas")
