// node events.mjs URL [URL]: graphql-sse, each of whose operations has a connection of its own. Those that are lost are begun
// anew at the second server.
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
