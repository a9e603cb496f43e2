import { documents } from "../documents.mjs";
import { connect } from "../recipes/fetch.mjs";

export function make(url) {
  const client = connect(url);
  const ask = (name, variables) => client.ask(documents[name], variables);
  return {
    has: ["history lists", "live", "resume after a cut", "resume after a restart", "paging both ways", "refetch", "typed errors", "partial edits"],
    ask,
    write: ask,
    follow: (name, variables, heard) => client.follow(documents[name], variables, heard),
    code: ([error]) => error.extensions.code,
  };
}
