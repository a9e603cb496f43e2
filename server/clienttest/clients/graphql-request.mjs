import { documents } from "../documents.mjs";
import { connect } from "../recipes/graphql-request.mjs";

export function make(url) {
  const client = connect(url);
  const ask = (name, variables) => client.request(documents[name], variables);
  return {
    ask,
    write: ask,
    code: (e) => e.response.errors[0].extensions.code,
  };
}
