"""What can be asked of this service beside reading; one unit of work each."""

from __future__ import annotations

import asyncio

from infra.chassis.clock import Clock
from infra.chassis.errors import NotFound
from infra.chassis.versioned.domain import publication
from infra.chassis.versioned.handlers import Documents, require_key
from infra.chassis.versioned.store import Draft, Version
from services.personas import domain
from services.personas.schemas import PersonaInput, PersonaItemInput, PersonaModel


async def save_draft(personas: Documents, workspace: str, key: str, persona: PersonaInput) -> Draft:
    """Replaces the draft as a whole.

    Raises Invalid with every flaw, or Conflict when it is no longer at the revision the editor began from.
    """
    require_key(persona.key, key)
    await asyncio.to_thread(domain.insist, persona.judged())
    return await personas.save(workspace, key, persona.document(), persona.base_revision)


async def publish(personas: Documents, clock: Clock, workspace: str, key: str) -> Version:
    """Makes the next version of the draft, in force from now; the first one is in force always.

    Raises NotFound without a draft, Invalid for one that cannot be published, Conflict when somebody published
    meanwhile.
    """
    draft, last = await personas.draft_and_newest(workspace, key)
    if draft is None:
        raise NotFound(f"There is no draft of a persona {key!r}; save one first.")
    persona = PersonaModel[PersonaItemInput].model_validate_json(draft.document)
    await asyncio.to_thread(domain.insist, persona.judged())
    return await personas.publish(workspace, draft, publication(last.publication if last else None, None, clock()))
