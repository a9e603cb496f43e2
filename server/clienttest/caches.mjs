// Asks by Apollo Client and by urql with graphcache, at their default settings, and tells what each shows from its cache.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { persistedExchange } from "@urql/exchange-persisted";
import { createHash } from "node:crypto";

const [url] = process.argv.slice(2);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

let sent = []; // of each request: whether it had the hash of the document alone, or the document too
const watched = (at, options) => {
  const { query, extensions } = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(at).searchParams);
  sent.push([extensions && "hash", query && "document"].filter(Boolean).join(" and "));
  return fetch(at, options);
};

function apollo() {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new PersistedQueryLink({ sha256 }), new HttpLink({ uri: url, fetch: watched })]),
  });
  return {
    ask: (query, variables) => client.query({ query: gql(query), variables }).then((r) => r.data),
    change: (mutation, variables) => client.mutate({ mutation: gql(mutation), variables }).then((r) => r.data),
    shown: (query, variables) => client.readQuery({ query: gql(query), variables }),
  };
}

function urql() {
  const client = new Client({
    url,
    fetch: watched,
    preferGetMethod: false,
    exchanges: [cacheExchange(), persistedExchange({ generateHash: async (text) => sha256(text) }), fetchExchange],
  });
  const result = (r) => {
    if (r.error) throw r.error;
    return r.data;
  };
  return {
    ask: (query, variables) => client.query(query, variables).toPromise().then(result),
    change: (mutation, variables) => client.mutation(mutation, variables).toPromise().then(result),
    shown: (query, variables) => client.readQuery(query, variables)?.data,
  };
}

const object = "__typename id recordId title status";
const questions = {
  moments: `query { now: scenario(id: "talks/line") { ${object} }
    then: scenario(id: "talks/line", asOf: {validAt: "2025-01-15T00:00:00Z"}) { ${object} } }`,
  history: `query { scenario(id: "talks/line") { id positionHistory(includeSuperseded: true) { nodes { __typename id recordId stance } } } }`,
  changes: `query { changes(order: NEWEST_FIRST, first: 1, filter: {kinds: [POSITION]}) { nodes { __typename recordId ... on PositionChanged {
    position { __typename id stance } previous { __typename id stance } } } } }`,
  edit: `mutation ($title: String!) { editScenario(input: {scenario: "talks/line", title: $title}) { scenario { ${object} } userErrors { message } } }`,
  again: `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id recordId ... on Scenario { title status } } }`,
};

for (const [name, client] of Object.entries({ apollo: apollo(), urql: urql() })) {
  const told = { name };
  sent = [];
  const { now, then } = await client.ask(questions.moments);
  told.sent = [...sent];
  told.answered = [now.status, then.status];
  const shown = client.shown(questions.moments);
  told.shown = [shown.now.status, shown.then.status];
  await client.ask(questions.history);
  told.history = client.shown(questions.history).scenario.positionHistory.nodes.map((p) => p.stance);
  await client.ask(questions.changes);
  const [change] = client.shown(questions.changes).changes.nodes;
  told.change = [change.previous.stance, change.position.stance];
  await client.change(questions.edit, { title: `A line by ${name}` });
  const edited = client.shown(questions.moments);
  told.edited = [edited.now.title, edited.then.title];
  await client.ask(questions.again, { ids: [now.recordId] });
  told.refetched = client.shown(questions.again, { ids: [now.recordId] }).nodes[0].title;
  process.stdout.write(JSON.stringify(told) + "\n");
}
process.exit(0);
