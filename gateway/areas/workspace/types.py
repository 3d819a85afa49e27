"""The workspace that a key belongs to."""

from __future__ import annotations

import strawberry

from gateway.clients import events as documents
from gateway.relay import Node, global_id
from gateway.scalars import JSON


@strawberry.type(description="A tenant: all data belongs to exactly one.")
class Workspace(Node):
    key: str
    name: str
    settings: JSON = strawberry.field(description="An object, kept for frontends as it was saved.")


def to_workspace(document: documents.Workspace) -> Workspace:
    return Workspace(
        id=global_id("Workspace", document.key),
        key=document.key,
        name=document.name,
        settings=JSON(document.settings),
    )
