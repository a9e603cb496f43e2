// node audits.mjs URL: the audits of GraphQL over HTTP. It tells those that the server does not pass, and how many there are.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({ url });
const failed = results.filter((r) => r.status !== "ok").map(({ id, name, reason }) => `${id} ${name}: ${reason}`);
process.stdout.write(JSON.stringify({ count: results.length, failed }) + "\n");
process.exit(0);
