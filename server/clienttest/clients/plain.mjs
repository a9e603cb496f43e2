// A client that has ask and follow, and no cache.
import { documents } from "../documents.mjs";

export const plain = (connect) => (url) => {
  const client = connect(url);
  const ask = (name, variables) => client.ask(documents[name], variables);
  return {
    ask,
    write: ask,
    follow: (name, variables, heard) => client.follow(documents[name], variables, heard),
    code: ([error]) => error.extensions.code,
  };
};
