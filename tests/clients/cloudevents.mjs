// Sends the CloudEvents of a visit: node cloudevents.mjs ROAD URL WRITE_KEY REQUESTS MODE
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { CloudEvent, HTTP, emitterFor, httpTransport } from "cloudevents";

const [road, direct, writeKey, requests, mode] = process.argv.slice(2);
const authorization = `Bearer ${writeKey}`;

async function send({ headers, body }) {
  const packed = mode === "structured" ? { "content-encoding": "gzip" } : {};
  const request = {
    method: "POST",
    headers: { ...headers, ...packed, authorization },
    body: mode === "structured" ? gzipSync(body) : body,
  };
  for (let tries = 0; tries < 5; tries++) {
    const answer = await fetch(`${road}/v1/events`, request).catch(() => null);
    if (answer && answer.status !== 503) {
      if (answer.status !== 200) throw new Error(await answer.text());
      return;
    }
  }
  throw new Error("never answered");
}

// The library has nothing for batches but the events in them.
const batch = (events) => ({
  headers: { "content-type": "application/cloudevents-batch+json" },
  body: JSON.stringify(events),
});

const emit = emitterFor(send, { mode });
for (const request of JSON.parse(await readFile(requests, "utf8"))) {
  const events = request.map((event) => new CloudEvent(event));
  if (mode === "batched") await send(batch(events));
  else for (const event of events) await emit(event);
}

// Once more by the library's own way, which sends in chunks and does not tell the status of the answer.
const transport = emitterFor(httpTransport(`${direct}/v1/events`), { mode: mode === "binary" ? mode : "structured" });
const [[first]] = JSON.parse(await readFile(requests, "utf8"));
const { body } = await transport(new CloudEvent(first), { headers: { authorization } });
if (!JSON.parse(body).success) throw new Error(body);
