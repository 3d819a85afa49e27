// Makes the calls of a visit: node rudderstack.mjs URL WRITE_KEY CALLS
import { readFile } from "node:fs/promises";
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const [url, writeKey, calls] = process.argv.slice(2);
const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: url });
const heard = (error) => {
  if (error) throw error;
};
for (const batch of JSON.parse(await readFile(calls, "utf8"))) {
  for (const { call, ...message } of batch) {
    analytics[call]({ ...message, timestamp: new Date(message.timestamp) }, heard);
  }
  await analytics.flush();
}
