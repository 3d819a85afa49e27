// Holds a GraphQL endpoint against the specification "GraphQL over HTTP": node audit.mjs URL KEY
import { auditServer } from "graphql-http";

const [url, key] = process.argv.slice(2);

const results = await auditServer({
  url,
  fetchFn: (address, { headers, ...request } = {}) =>
    fetch(address, { ...request, headers: { ...headers, authorization: `Bearer ${key}` } }),
});

const told = results.map(async ({ id, name, status, reason, response }) => ({
  id,
  name,
  status,
  ...(response && { reason, answered: response.status, body: response.bodyUsed ? null : await response.text() }),
}));
console.log(JSON.stringify(await Promise.all(told)));
