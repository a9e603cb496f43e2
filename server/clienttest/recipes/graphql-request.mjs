import { GraphQLClient } from "graphql-request";

// GraphQLClient has no subscriptions: recipe "fetch and EventSource" has some that go with it.
export function connect(url) {
  return new GraphQLClient(url);
}
