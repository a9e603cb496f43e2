// node events.mjs URL [URL]: a graphql-sse client. Each operation has its own connection. An operation whose connection is
// lost starts again at the second server.
import { createClient } from "graphql-sse";
import { drive, shortly } from "./drive.mjs";

const urls = process.argv.slice(2);
let again = false;

drive(
  createClient({
    url: () => urls[again ? 1 : 0],
    retryAttempts: 10,
    retry: shortly,
    on: { connecting: (retrying) => (again = retrying) },
  }),
);
