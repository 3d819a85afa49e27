// The same with Apollo Server and the loaders that everybody uses with it: node apollo.mjs UPSTREAM TOKENS
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import DataLoader from "dataloader";

const [upstream, tokens] = [process.argv[2], JSON.parse(process.argv[3])];

const typeDefs = `
  scalar JSON
  input IdentifierInput { type: String!, value: String! }
  type Query {
    customer(identifier: IdentifierInput!): Customer
    instances(first: Int = 20): InstanceConnection!
  }
  type Customer {
    id: ID! traits: JSON! firstSeenAt: String!
    instances(first: Int = 20): InstanceConnection!
    timeline(first: Int = 20): EventConnection!
  }
  type InstanceConnection { edges: [InstanceEdge!]! }
  type InstanceEdge { node: Instance! cursor: String! }
  type EventConnection { edges: [EventEdge!]! }
  type EventEdge { node: Event! cursor: String! }
  type Instance {
    id: ID! status: String! startedAt: String! phase: Phase touchpoint: Phase journey: Journey customer: Customer
  }
  type Phase { key: String! name: String! }
  type Journey { name: String! personas: [Persona]! }
  type Persona { key: String! name: String! }
  type Event { id: ID! name: String! channel: String occurredAt: String! properties: JSON! }
`;

async function ask(service, path, body) {
  const headers = { authorization: `Bearer ${tokens[service]}`, "content-type": "application/json" };
  const answer = await fetch(`${upstream}/${service}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${service} answered ${answer.status}`);
  return answer.json();
}

function context() {
  const byKey = { cacheKeyFn: JSON.stringify };
  const pages = (path) =>
    new DataLoader(
      async (keys) =>
        (await ask("events", path, { customers: keys.map(([customer]) => customer), first: keys[0][1] })).pages,
      byKey,
    );
  const models = (service) => (keys) =>
    ask(service, `/internal/${service}/read`, {
      items: keys.map(([key, version]) => ({ key, version, draft: false })),
    }).then((answer) => answer[service]);
  return {
    customers: new DataLoader(async (ids) => (await ask("events", "/internal/customers/read", { ids })).customers),
    instances: pages("/internal/instances/of-customers"),
    timelines: pages("/internal/timelines"),
    journeys: new DataLoader(models("journeys"), byKey),
    personas: new DataLoader(models("personas"), byKey),
  };
}

const connection = (page) => ({ edges: page.items.map((node, index) => ({ node, cursor: page.cursors[index] })) });

const resolvers = {
  Query: {
    customer: async (_, { identifier }) =>
      (await ask("events", "/internal/customers/find", { identifiers: [identifier] })).customers[0],
    instances: async (_, { first }) =>
      connection(await ask("events", "/internal/instances/query", { where: {}, first, after: null })),
  },
  Customer: {
    instances: async ({ id }, { first }, { instances }) => connection(await instances.load([id, first])),
    timeline: async ({ id }, { first }, { timelines }) => connection(await timelines.load([id, first])),
  },
  Instance: {
    journey: ({ journeyKey, version }, _, { journeys }) => journeys.load([journeyKey, version]),
    customer: ({ customerId }, _, { customers }) => customers.load(customerId),
  },
  Journey: {
    personas: ({ personas }, _, context) => context.personas.loadMany(personas.map((key) => [key, null])),
  },
};

const server = new ApolloServer({ typeDefs, resolvers });
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: 0 },
  context: async () => context(),
});
console.log(url);
