import { createClient } from "graphql-sse";

export function connect(url) {
  const client = createClient({ url, retryAttempts: Infinity });
  return {
    // ask sends a query or a mutation.
    async ask(query, variables) {
      for await (const { data, errors } of client.iterate({ query, variables })) {
        if (errors) throw errors;
        return data;
      }
    },
    // follow calls heard with each change. The client sends the variables again after an outage, as they then are.
    follow(query, variables, heard, failed = console.error) {
      const asked = { query, variables: { ...variables } };
      const next = ({ data, errors }) => {
        if (errors) return failed(errors);
        asked.variables.after = Object.values(data)[0].cursor ?? asked.variables.after;
        heard(data);
      };
      return client.subscribe(asked, { next, error: failed, complete: () => {} });
    },
  };
}
