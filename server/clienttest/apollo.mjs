// node apollo.mjs URL URL: Apollo Client over graphql-ws. It connects to the second server when the first one stops.
import { ApolloClient, ApolloLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { tap } from "rxjs";
import WebSocket from "ws";
import { drive, shortly, tell } from "./drive.mjs";

const urls = process.argv.slice(2).map((url) => url.replace(/^http/, "ws"));

// Apollo sends a subscription again with the variables that it began with, so they have to say where to resume.
const resuming = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(({ data }) => {
      const cursor = Object.values(data ?? {})[0]?.cursor;
      if (cursor) operation.variables.after = cursor;
    }),
  ),
);

const socket = createClient({
  url: () => urls[0],
  webSocketImpl: WebSocket,
  retryAttempts: 10,
  retryWait: shortly,
  on: {
    closed({ code, reason }) {
      tell({ closed: code, reason });
      if (code === 1012) urls.shift();
    },
  },
});

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([resuming, new GraphQLWsLink(socket)]),
});

drive({
  subscribe({ query, variables: { after } }, sink) {
    const subscription = client.subscribe({ query: gql(query), variables: { after } }).subscribe(sink);
    return () => subscription.unsubscribe();
  },
  dispose: () => socket.dispose(),
});
