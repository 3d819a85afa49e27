// Makes the calls of a visit as a page does that has the library from npm.
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const story = await (await fetch("story.json")).json();
const analytics = new RudderAnalytics();
analytics.load(story.writeKey, story.url, { configUrl: story.url, useBeacon: story.leaving });
analytics.setAnonymousId(story.visitor);
const made = story.calls.flat().map(({ call, timestamp, context, ...message }) => {
  const { event, name, userId, properties = {}, traits } = message;
  const options = { originalTimestamp: timestamp, context };
  return new Promise((heard) =>
    call === "identify"
      ? analytics.identify(userId, traits, options, heard)
      : analytics[call](event ?? name, properties, options, heard),
  );
});
await Promise.all(made);
if (story.leaving) location.assign("left.html");
