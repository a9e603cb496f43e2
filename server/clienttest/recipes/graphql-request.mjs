import { GraphQLClient } from "graphql-request";

// GraphQLClient has no subscriptions: for these, use the client for fetch and EventSource.
export function connect(url) {
  return new GraphQLClient(url);
}
