// A graphql-ws client, for tests. It connects to the second server when the first one stops.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { shortly, tell } from "./drive.mjs";

export function socketClient() {
  const urls = process.argv.slice(2).map((url) => url.replace(/^http/, "ws"));
  return createClient({
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
}
