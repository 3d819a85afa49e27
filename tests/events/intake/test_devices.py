"""What browsers and apps tell about the device."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.intake.domain.devices import device_of_user_agent
from tests.events.intake.calls import event_of, judge_input, track

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
PHONE = f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"

USER_AGENTS = {
    PHONE: "mobile",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) {WEBKIT} Version/17.1 Mobile/15E148 Safari": "mobile",
    f"Mozilla/5.0 (iPod touch; CPU iPhone OS 7_0 like Mac OS X) {WEBKIT} Mobile/11A4449b Safari/9537.53": "mobile",
    "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0": "mobile",
    f"Mozilla/5.0 (Windows Phone 10.0; Android 4.2.1; Microsoft; Lumia 950) {WEBKIT} Mobile Edge/13.1058": "mobile",
    "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5": "mobile",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10": "mobile",
    "Shop/4.2 (iPhone; iOS 16.1; Scale/3.00)": "mobile",
    "Shop/4.2 CFNetwork/1410.0.3 Darwin/22.6.0": "mobile",
    f"Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) {WEBKIT} Version/16.1 Mobile/15E148 Safari/604.1": "tablet",
    f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/131.0.0.0 Safari/537.36": "tablet",
    "Mozilla/5.0 (Android 14; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0": "tablet",
    f"Mozilla/5.0 (Linux; U; Android 4.0.3; en-us; KFTT Build/IML74K) {WEBKIT} Silk/3.13 Safari/535.19": "tablet",
    MAC: "desktop",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0": "desktop",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko": "desktop",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": "desktop",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36": "desktop",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36": "desktop",
    "Mozilla/5.0 (X11; FreeBSD amd64; rv:133.0) Gecko/20100101 Firefox/133.0": "desktop",
    f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 5.0) {WEBKIT} Version/5.0 TV Safari/537.36": "tv",
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/79.0.3945.79 Safari/537.36 WebAppManager": "tv",
    "Roku/DVP-9.10 (519.10E04111A)": "tv",
    "AppleTV11,1/11.1": "tv",
    f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {WEBKIT} Version/13.0 Safari/605.1.15": "console",
    f"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) {WEBKIT} NF/6.0.2.21.3 NintendoBrowser/5.1": "console",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) {WEBKIT} Edge/20.02": "console",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot",
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {WEBKIT} Mobile Safari/537.36 (compatible; Googlebot/2.1)": "bot",
    "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 6 Build/TQ3A)": None,
    "analytics-python/2.4.0": None,
    "okhttp/4.11.0": None,
    "curl/8.4.0": None,
    "node": None,
    "": None,
    "\U0001f600": None,
}


@pytest.mark.parametrize("user_agent", USER_AGENTS)
def test_by_user_agent(user_agent: str) -> None:
    assert event_of(track(context={"userAgent": user_agent})).device == USER_AGENTS[user_agent]


def test_a_user_agent_of_any_length_is_read_in_front() -> None:
    assert device_of_user_agent(PHONE + " x" * 10_000) == "mobile"
    assert device_of_user_agent(" x" * 10_000 + PHONE) is None


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(list(USER_AGENTS))).map(";".join))
def test_nothing_that_a_text_may_hold_does_any_harm(user_agent: str) -> None:
    assert device_of_user_agent(user_agent) in {None, *USER_AGENTS.values()}


@pytest.mark.parametrize(
    ("hints", "device"),
    [
        ({"mobile": True, "platform": "Android"}, "mobile"),
        ({"mobile": True}, "mobile"),
        ({"mobile": False, "platform": "Android"}, "tablet"),
        ({"mobile": False, "platform": "macOS"}, "desktop"),
        ({"mobile": False, "platform": "Windows"}, "desktop"),
        ({"mobile": False, "platform": "Linux"}, "desktop"),
        ({"mobile": False, "platform": "Chrome OS"}, "desktop"),
        ({"mobile": False, "platform": "Unknown"}, None),
        ({"mobile": "false", "platform": "Windows"}, None),
        ({"mobile": False, "platform": ["Windows"]}, None),
        ({"platform": "Windows"}, None),
        ({}, None),
        ("Windows", None),
        (None, None),
    ],
)
def test_by_client_hints(hints: object, device: str | None) -> None:
    assert event_of(track(context={"userAgentData": hints})).device == device


@pytest.mark.parametrize(
    ("context", "device"),
    [
        ({"device": {"type": "Kiosk"}, "userAgentData": {"mobile": True}, "userAgent": MAC}, "kiosk"),
        ({"device": {"type": ""}, "userAgentData": {"mobile": True}, "userAgent": MAC}, "mobile"),
        ({"device": None, "userAgentData": {"mobile": False, "platform": "Fuchsia"}, "userAgent": MAC}, "desktop"),
        ({"device": {"model": "iPad"}, "userAgent": PHONE}, "mobile"),
        ({"userAgent": 5}, None),
    ],
)
def test_what_is_said_outright_counts_first(context: dict[str, Any], device: str | None) -> None:
    assert event_of(track(context=context)).device == device


def test_inputs_tell_it_too() -> None:
    told = {"name": "Seen", "identifiers": [{"type": "user_id", "value": "u"}], "context": {"userAgent": PHONE}}
    by_context, outright = judge_input(told), judge_input(told | {"device": "kiosk"})
    assert not isinstance(by_context, tuple)
    assert not isinstance(outright, tuple)
    assert (by_context.device, outright.device) == ("mobile", "kiosk")
