import { CombinedGraphQLErrors, gql } from "@apollo/client";
import { documents } from "../documents.mjs";
import { connect } from "../recipes/apollo.mjs";

const parsed = Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, gql(text)]));

export function make(url) {
  const client = connect(url);
  return {
    ask: async (name, variables) => (await client.query({ query: parsed[name], variables, fetchPolicy: "network-only" })).data,
    write: async (name, variables, optimisticResponse) =>
      (await client.mutate({ mutation: parsed[name], variables, optimisticResponse })).data,
    shown: (name, variables) => client.readQuery({ query: parsed[name], variables }, true),
    follow(name, variables, heard) {
      const following = client.subscribe({ query: parsed[name], variables }).subscribe(({ data }) => heard(data));
      return () => following.unsubscribe();
    },
    // Apollo puts pages together as it is told to.
    async turn(size) {
      const watched = client.watchQuery({ query: parsed.page, variables: size });
      const showing = watched.subscribe(() => {});
      for (let at = {}; at; ) {
        const { data } = await watched.fetchMore({
          variables: { ...size, ...at },
          updateQuery({ stakeholders: before }, { fetchMoreResult: { stakeholders: more } }) {
            if (!at.after && !at.before) return { stakeholders: more };
            const nodes = size.first ? [...before.nodes, ...more.nodes] : [...more.nodes, ...before.nodes];
            return { stakeholders: { ...more, nodes } };
          },
        });
        const { hasNextPage, endCursor, hasPreviousPage, startCursor } = data.stakeholders.pageInfo;
        at = size.first ? hasNextPage && { after: endCursor } : hasPreviousPage && { before: startCursor };
      }
      showing.unsubscribe();
      return client.readQuery({ query: parsed.page, variables: size }).stakeholders.nodes.map((s) => s.key);
    },
    code: (e) => CombinedGraphQLErrors.is(e) && e.errors[0].extensions.code,
  };
}
