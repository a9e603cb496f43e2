// node websocket.mjs URL [URL]: a graphql-ws client. It connects to the second server when the first one stops.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { drive, shortly, tell } from "./drive.mjs";

const urls = process.argv.slice(2).map((url) => url.replace(/^http/, "ws"));

drive(
  createClient({
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
  }),
);
