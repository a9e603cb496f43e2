// node apollo.mjs URL URL: Apollo Client over graphql-ws.
import { ApolloClient, ApolloLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { tap } from "rxjs";
import { drive } from "./drive.mjs";
import { socketClient } from "./socket.mjs";

// Apollo sends a subscription again with the variables that it began with, so they have to say where to resume.
const resuming = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(({ data }) => {
      const cursor = Object.values(data ?? {})[0]?.cursor;
      if (cursor) operation.variables.after = cursor;
    }),
  ),
);

const socket = socketClient();

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
