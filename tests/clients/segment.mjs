// Makes the calls of a visit: node segment.mjs URL WRITE_KEY CALLS
import { readFile } from "node:fs/promises";
import { Analytics } from "@segment/analytics-node";

const [url, writeKey, calls] = process.argv.slice(2);
const analytics = new Analytics({ host: url, path: "/v1/batch", writeKey });
analytics.on("error", (error) => {
  throw error;
});
for (const batch of JSON.parse(await readFile(calls, "utf8"))) {
  for (const { call, ...message } of batch) {
    analytics[call]({ ...message, timestamp: new Date(message.timestamp) });
  }
  await analytics.flush();
}
await analytics.closeAndFlush();
