import { createClient } from "graphql-ws";
import relay from "relay-runtime"; // a page imports { Environment, Network, ... }

const { Environment, Network, Observable, RecordSource, Store } = relay;

export function connect(url) {
  const socket = createClient({ url: url.replace(/^http/, "ws"), retryAttempts: Infinity, shouldRetry: () => true });
  // A document that relay-compiler has persisted is known to the server by its hash (parley serve --documents).
  const sent = ({ id, text }, variables) => ({
    query: text ?? "",
    variables,
    extensions: id && { persistedQuery: { version: 1, sha256Hash: id } },
  });
  const fetchOnce = async (request, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(sent(request, variables)),
    });
    const answer = await response.json();
    if (answer.errors) throw answer.errors;
    return answer;
  };
  // The client sends these variables again after an outage, so they have to say where to resume.
  const subscribe = (request, variables) =>
    Observable.create((sink) => {
      const asked = sent(request, { ...variables });
      const next = (answer) => {
        asked.variables.after = Object.values(answer.data ?? {})[0]?.cursor ?? asked.variables.after;
        sink.next(answer);
      };
      return socket.subscribe(asked, { ...sink, next });
    });
  return new Environment({ network: Network.create(fetchOnce, subscribe), store: new Store(new RecordSource()) });
}
