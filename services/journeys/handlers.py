"""What can be asked of this service; one unit of work each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from infra.chassis.clock import Clock
from infra.chassis.errors import Conflict, Flaw, NotFound
from infra.chassis.versioned.domain import publication
from infra.chassis.versioned.handlers import Documents, require_key
from infra.chassis.versioned.notices import ChangeNotice
from infra.chassis.versioned.store import Draft, Version
from services.journeys import domain
from services.journeys.clients import Events
from services.journeys.schemas import FromTemplate, JourneyInput, JourneyModel
from services.journeys.templates import Language, templates


async def save_draft(
    journeys: Documents, workspace: str, key: str, journey: JourneyInput
) -> tuple[Draft, Sequence[Flaw]]:
    """Replaces the draft as a whole; gives it back with warnings.

    Raises Invalid with every flaw, or Conflict when it is no longer at the revision the editor began from.
    """
    require_key(journey.key, key)
    judgement = await asyncio.to_thread(domain.judge, journey.judged())
    judgement.insist()
    draft = await journeys.save(workspace, key, journey.document(), journey.base_revision)
    return draft, judgement.warnings


async def create_from_template(
    journeys: Documents, workspace: str, wanted: FromTemplate
) -> tuple[Draft, Sequence[Flaw]]:
    """The first draft of a new journey, as the template lays it out; gives it back with warnings.

    Raises NotFound for a template that nobody knows, Conflict when there is a journey of that key.
    """
    offered = {template.key: template for template in await asyncio.to_thread(templates, Language(wanted.language))}
    if wanted.template not in offered:
        message = f"There is no template {wanted.template!r}; there are {', '.join(offered)}."
        raise NotFound(message, errors=[Flaw(NotFound.default_code, message, ("template",))])
    new = {"key": wanted.key, "name": wanted.name, "baseRevision": 0}
    journey = JourneyInput.model_validate(offered[wanted.template].journey | new)
    try:
        return await save_draft(journeys, workspace, wanted.key, journey)
    except Conflict:
        message = f"There is a journey {wanted.key!r} already; choose another key."
        raise Conflict(message, errors=[Flaw(Conflict.default_code, message, ("key",))]) from None


async def publish(
    journeys: Documents,
    events: Events,
    notice: ChangeNotice,
    clock: Clock,
    workspace: str,
    key: str,
    requested: int | None,
) -> tuple[Version, bool]:
    """Makes the next version of the draft, in force from now or from the earlier moment `requested` (microseconds).

    It is committed before events hears of it, and events fetches it on its own if it does not hear: a version is never
    lost. Also tells whether it is still pending there. Raises NotFound without a draft, Invalid for one that cannot be
    published, Unavailable when events cannot be asked about open runs, Conflict when somebody published meanwhile.
    """
    draft, last = await journeys.draft_and_newest(workspace, key)
    if draft is None:
        raise NotFound(f"There is no draft of a journey {key!r}; save one first.")
    journey = JourneyModel.model_validate_json(draft.document)
    await asyncio.to_thread(domain.require_publishable, journey.judged())
    coming = publication(last.publication if last else None, requested, clock())
    if last is not None and domain.strands_open_runs(coming, journey.instance_key, _instance_key(last)):
        domain.require_no_open_runs(await events.open_runs(workspace, key, journey.instance_key))
    version = await journeys.publish(workspace, draft, coming)
    acknowledged = await notice.give(workspace)
    return version, acknowledged.get(key, 0) < version.version


def _instance_key(version: Version) -> str | None:
    key: str | None = msgspec.json.decode(version.document)["instanceKey"]
    return key
