import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { tap } from "rxjs";

// Apollo sends a subscription again with the variables that it began with, so they have to say where to resume.
const resuming = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(({ data }) => {
      const cursor = Object.values(data ?? {})[0]?.cursor;
      if (cursor) operation.variables.after = cursor;
    }),
  ),
);

async function sha256(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function connect(url) {
  const socket = createClient({ url: url.replace(/^http/, "ws"), retryAttempts: Infinity, shouldRetry: () => true });
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === "subscription",
      ApolloLink.from([resuming, new GraphQLWsLink(socket)]),
      ApolloLink.from([new PersistedQueryLink({ sha256 }), new HttpLink({ uri: url })]),
    ),
  });
}
