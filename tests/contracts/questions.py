"""GraphQL documents that, together, make the gateway call everything that it ever calls.

Each is given the variables that it declares; those `by_token` are asked with a customer token.
"""

from __future__ import annotations

from typing import NamedTuple

EVENT = "id name kind channel device properties context identifiers { type value } occurredAt"
JOURNEY = "key version status phases { key touchpoints { key } means { name } } personas { key } versions { version }"
INSTANCE = """id status run key phase { key } touchpoint { key } dropOff { reason evidence { name } }
  customer { id }
  explain { text rule modelVersion events { id } }
  steps(first: 3) { edges { node { direction touchpoint { key } event { id } } } }"""
CUSTOMER = f"""id identifiers {{ type value trust firstSeenAt }} traits traitHistory {{ key value occurredAt }}
  firstContact {{ {EVENT} }} lastContact {{ name }}
  ledger {{ kind reason taken identifiers {{ value }} event {{ id }} }}
  persona {{ version fit because {{ text rule events {{ id }} }} }}
  instances(first: 2) {{ totalCount edges {{ node {{ {INSTANCE} }} }} }}
  timeline(first: 3) {{ edges {{ node {{ {EVENT} instances {{ id }} }} }} }}"""
INSIGHTS = """answeredBy instances byStatus { status count } funnel { phase reached continued dropped }
  flow { edges { from to count medianGap } } hops(by: CHANNEL) { from to count }
  dropOffs { phase reason count instances(first: 2) { edges { node { id } } } }"""
PAST = "2999-01-01T00:00:00Z"


class Question(NamedTuple):
    document: str
    by_token: bool = False


QUESTIONS = [
    Question(f"query ($user: IdentifierInput!) {{ customer(identifier: $user) {{ {CUSTOMER} }} }}"),
    Question(f'query ($user: IdentifierInput!) {{ customer(identifier: $user, asOf: "{PAST}") {{ {CUSTOMER} }} }}'),
    Question(f"{{ me {{ {CUSTOMER} }} }}".replace(" rule ", " "), by_token=True),
    Question("""{ customers(first: 3, where: { journey: "shop", seenSince: "2020-01-01T00:00:00Z" }) {
        edges { node { id } } } }"""),
    Question(f"""{{ instances(first: 3, where: {{ status: [ACTIVE] }}) {{ edges {{ node {{
        journey {{ {JOURNEY} }} customer {{ persona {{ persona {{ key }} }} firstContact {{ source {{ key }} }} }}
        }} }} }} }}"""),
    Question("query ($event: ID!, $instance: ID!) { nodes(ids: [$event, $instance]) { id } }"),
    Question(f'{{ journey(key: "shop") {{ {JOURNEY} insights {{ {INSIGHTS} }} }} }}'),
    Question("{ journeys { edges { node { key } } } personas { edges { node { key versions { key } } } } }"),
    Question('{ persona(key: "family") { key confidence matches } journeyTemplates { key } }'),
    Question("{ workspace { id name settings } projection { position lag rebuilding stuck rebuilds { share } } }"),
    Question("{ rejectedEvents { edges { node { id code message path body source { key } } } } }"),
    Question("query ($rejected: ID!) { node(id: $rejected) { id } }"),
    Question("""{ sources { key origins keys { id prefix secret createdAt expiresAt } lastEventAt newNames vanishedNames
        accepted(period: { from: "2020-01-01T00:00:00Z" }) rejectedByCode { code count } } }"""),
    Question("""mutation { saveSource(input: { key: "crm", name: "CRM", kind: "crm", trust: VERIFIED }) {
        source { key keys { id } } key errors { code path } } }"""),
    Question('mutation { rotateKey(source: "till") { key graceUntil errors { code } } }'),
    Question("mutation ($till: ID!) { revokeKey(id: $till) { errors { code } } }"),
    Question("""mutation ($rejected: ID!) { resubmitRejectedEvents(ids: [$rejected]) {
        accepted rejected position results { messageId status code message } } }"""),
    Question("""query ($user: IdentifierInput!, $position: Position) {
        customer(identifier: $user, position: $position) { id } }"""),
    Question('mutation { saveSettings(settings: { theme: "dark" }) { settings } }'),
    Question("""mutation { createJourneyFromTemplate(template: "nine-phases", key: "nine", name: "Nine", language: NL) {
        journey { revision } errors { code } } }"""),
    Question("""mutation { saveJourney(input: { key: "plain", name: "Plain", goal: "name ==", phases: [
        { key: "look", name: "Look", touchpoints: [] }] }) {
        errors { code message path line column } } }"""),
    Question('mutation { publishJourney(key: "nine") { pending journey { version } errors { code } } }'),
    Question("""mutation { savePersona(input: { key: "student", name: "Student", matches: "size(" }) {
        errors { code message path line column } } }"""),
    Question("""mutation { savePersona(input: { key: "pair", name: "Pair", matches: "has(traits.partner)" }) {
        errors { code } } }"""),
    Question('mutation { publishPersona(key: "pair") { pending persona { version } errors { code } } }'),
    Question("""mutation ($user: IdentifierInput!) {
      recordEvents(events: [{ messageId: "m", name: "Looked", identifiers: [$user] }]) {
        accepted rejected position results { status messageId } } }"""),
]
