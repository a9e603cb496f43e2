import { createRequire } from "node:module";
import relay from "relay-runtime";
import { connect } from "../recipes/relay.mjs";

const { commitMutation, createOperationDescriptor, fetchQuery, getSingularSelector, requestSubscription } = relay;

// What compile-relay.mjs has made of the documents.
const artifact = (name) => createRequire(import.meta.url)(`${process.env.RELAY_ARTIFACTS}/documents${name}.graphql.js`);
const documents = {
  moments: "MomentsQuery",
  history: "HistoryQuery",
  change: "ChangeQuery",
  page: "PageQuery",
  nodes: "NodesQuery",
  node: "NodeQuery",
  persisted: "PersistedQuery",
  after: "AfterQuery",
  edit: "EditMutation",
  changes: "ChangesSubscription",
};

export function make(url) {
  const environment = connect(url);
  const query = async (environment, name, variables) => {
    const document = artifact(name);
    environment.retain(createOperationDescriptor(document, variables));
    return fetchQuery(environment, document, variables).toPromise();
  };
  const fragment = (environment, name, ref) => environment.lookup(getSingularSelector(artifact(name), ref)).data;
  return {
    trusted: true, // the server has read its documents
    ask: (name, variables = {}) => query(environment, documents[name], variables),
    write: (name, variables, optimisticResponse) =>
      new Promise((onCompleted, onError) =>
        commitMutation(environment, { mutation: artifact(documents[name]), variables, optimisticResponse, onCompleted, onError }),
      ),
    shown: (name, variables = {}) =>
      environment.lookup(createOperationDescriptor(artifact(documents[name]), variables).fragment).data,
    follow: (name, variables, onNext) =>
      requestSubscription(environment, { subscription: artifact(documents[name]), variables, onNext }).dispose,
    refetch: async (id) => fragment(environment, "_scenario", (await query(environment, "RefetchQuery", { id })).node),
    // Relay puts the pages of a connection together.
    async turn(size) {
      const own = connect(url);
      for (let at = {}; at; ) {
        const variables = { first: null, after: null, last: null, before: null, ...size, ...at };
        const list = fragment(own, "_stakeholders", await query(own, "StakeholdersQuery", variables)).stakeholders;
        const { hasNextPage, endCursor, hasPreviousPage, startCursor } = list.pageInfo;
        at = size.first ? hasNextPage && { after: endCursor } : hasPreviousPage && { before: startCursor };
        if (!at) return list.edges.map(({ node }) => node.key);
      }
    },
    code: ([error]) => error.extensions.code,
  };
}
