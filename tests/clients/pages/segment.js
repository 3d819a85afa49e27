// Makes the calls of a visit as a page does that has the library from npm.
import { AnalyticsBrowser } from "@segment/analytics-next";

const story = await (await fetch("story.json")).json();
const integrations = { "Segment.io": story.leaving ? { deliveryStrategy: { strategy: "batching" } } : {} };
const analytics = AnalyticsBrowser.load({ writeKey: story.writeKey, cdnURL: story.url }, { integrations });
await analytics.setAnonymousId(story.visitor);
const made = story.calls.flat().map(({ call, timestamp, messageId, context, ...message }) => {
  const { event, name, userId, properties = {}, traits } = message;
  const options = { timestamp, messageId, context };
  return call === "identify"
    ? analytics.identify(userId, traits, options)
    : analytics[call](event ?? name, properties, options);
});
await Promise.all(made);
if (story.leaving) location.assign("left.html");
