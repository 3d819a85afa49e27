"""What a browser sees at the root: links, no data."""

START_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Klantreis</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem; }
  h1 { margin-bottom: 0; }
  p.lead { margin-top: 0; color: #5a6775; }
  code { background: #f0f3f6; padding: .1em .3em; border-radius: 3px; }
  a { color: #0a5fb4; }
</style>
</head>
<body>
<h1>Klantreis</h1>
<p class="lead">The map on the wall, executable.</p>
<ul>
  <li><a href="/graphql">/graphql</a>: the GraphQL endpoint, with an explorer in development</li>
  <li><code>POST /v1/batch</code>, <code>/v1/track</code>, <code>/v1/identify</code>: events, in the form of
    Segment</li>
  <li><a href="/openapi/events.json">/openapi/events.json</a>,
    <a href="/openapi/journeys.json">/openapi/journeys.json</a>,
    <a href="/openapi/personas.json">/openapi/personas.json</a>:
    the services' own interfaces</li>
  <li><a href="/health/ready">/health/ready</a>: is everything running?</li>
</ul>
<p>Keys are in <code>credentials.json</code> in the data folder (<code>var/</code> unless <code>KLANTREIS_DATA</code>
  says otherwise).</p>
</body>
</html>
"""
