"""The workspace of a key, and its settings."""

from __future__ import annotations

import pytest

from gateway.relay import global_id
from infra.chassis.errors import Flaw
from tests.gateway.documents import problem, workspace
from tests.gateway.harness import Gateway

READ, SAVE = "/internal/workspace", "/internal/workspace/settings"
MUTATION = "mutation ($settings: JSON!) { saveSettings(settings: $settings) { id settings } }"


async def test_the_workspace_that_a_key_belongs_to(api: Gateway) -> None:
    api.events.answers[f"GET {READ}"] = lambda _: workspace("other", settings={"n": 12345678901234567890})
    found = await api.data("{ workspace { id key name settings } }", key="sk_other")
    assert found["workspace"] == {
        "id": global_id("Workspace", "other"),
        "key": "other",
        "name": "Default",
        "settings": {"n": 12345678901234567890},
    }
    assert [call.workspace for call in api.events.calls if call.path == READ] == ["other"]


async def test_settings_are_saved_as_they_are_given(api: Gateway) -> None:
    api.events.answers[f"PUT {SAVE}"] = lambda body: workspace(settings=body["settings"])
    settings = {"theme": {"dark": None}, "limits": [1, 2.5, 10**30], "titel": "één"}
    found = await api.data(MUTATION, variables={"settings": settings})
    assert found["saveSettings"] == {"id": global_id("Workspace", "default"), "settings": settings}
    assert api.events.bodies(SAVE) == [{"settings": settings}]
    inline = 'mutation { saveSettings(settings: {theme: "light"}) { settings } }'
    assert (await api.data(inline))["saveSettings"] == {"settings": {"theme": "light"}}


async def test_what_cannot_be_kept_is_told_with_its_place(api: Gateway) -> None:
    flaw = Flaw("TOO_LARGE", "Settings take at most 32,768 bytes.", ("settings",))
    api.events.answers[f"PUT {SAVE}"] = problem(422, "TOO_LARGE", flaw.message, [flaw])
    answer = await api.ask(MUTATION, variables={"settings": {}})
    assert answer["data"] is None
    [error] = answer["errors"]
    assert (error["message"], error["path"]) == (f"settings: {flaw.message}", ["saveSettings"])
    assert error["extensions"] == {"code": "TOO_LARGE", "errors": [flaw.as_json() | {"path": ["settings"]}]}


@pytest.mark.parametrize("key", ["sk_models", "sk_bare", "sk_none"])
async def test_settings_are_saved_by_who_may_administer_sources(api: Gateway, key: str) -> None:
    assert await api.errors(MUTATION, key=key, variables={"settings": {}}) == [("saveSettings", "FORBIDDEN")]
    api.events.answers[f"GET {READ}"] = lambda _: workspace()
    query = "{ workspace { key } }"
    if key == "sk_models":
        assert await api.data(query, key=key) == {"workspace": {"key": "default"}}
    else:
        assert await api.errors(query, key=key) == [("workspace", "FORBIDDEN")]
    assert SAVE not in api.events.paths()
