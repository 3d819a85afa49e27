"""What can be asked of this service beside reading; one unit of work each."""

from __future__ import annotations

import asyncio

from infra.chassis.clock import Clock
from infra.chassis.errors import NotFound
from infra.chassis.versioned.domain import publication
from infra.chassis.versioned.handlers import Documents, require_key
from infra.chassis.versioned.notices import ChangeNotice
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


async def publish(
    personas: Documents, notice: ChangeNotice, clock: Clock, workspace: str, key: str
) -> tuple[Version, bool]:
    """Makes the next version of the draft, in force from now; the first one is in force always.

    It is committed before events hears of it, and events fetches it on its own if it does not hear. Also tells whether
    it is still pending there. Raises NotFound without a draft, Invalid for one that cannot be published, Conflict when
    somebody published meanwhile.
    """
    draft, last = await personas.draft_and_newest(workspace, key)
    if draft is None:
        raise NotFound(f"There is no draft of a persona {key!r}; save one first.")
    persona = PersonaModel[PersonaItemInput].model_validate_json(draft.document)
    await asyncio.to_thread(domain.insist, persona.judged())
    coming = publication(last.publication if last else None, None, clock())
    version = await personas.publish(workspace, draft, coming)
    acknowledged = await notice.give(workspace)
    return version, acknowledged.get(key, 0) < version.version
