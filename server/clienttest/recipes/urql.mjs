import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-ws";

export function connect(url, cache = {}) {
  const socket = createClient({ url: url.replace(/^http/, "ws"), retryAttempts: Infinity, shouldRetry: () => true });
  // The client sends these variables again after an outage, so they have to say where to resume.
  const forwardSubscription = ({ query, variables }) => ({
    subscribe(sink) {
      const asked = { query, variables: { ...variables } };
      const next = (answer) => {
        asked.variables.after = Object.values(answer.data ?? {})[0]?.cursor ?? asked.variables.after;
        sink.next(answer);
      };
      return { unsubscribe: socket.subscribe(asked, { ...sink, next }) };
    },
  });
  return new Client({
    url,
    preferGetMethod: false,
    exchanges: [cacheExchange(cache), persistedExchange(), fetchExchange, subscriptionExchange({ forwardSubscription })],
  });
}
