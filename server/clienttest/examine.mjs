// node examine.mjs CLIENT URL OTHERS CONTROL FEATURE...: puts a client of folder clients through exam.mjs. It reaches the
// server at URL; others write at OTHERS; a POST to CONTROL/cut, /restore or /restart does that to what is at URL.
import { documents } from "./documents.mjs";
import { examine, othersAt } from "./exam.mjs";

const [client, url, others, control, ...tried] = process.argv.slice(2);
const plain = fetch;
const { make } = await import(`./clients/${client}.mjs`);
await examine(make, {
  url,
  tried,
  others: othersAt(others, documents),
  network: (what) => plain(`${control}/${what}`, { method: "POST" }),
  tell: (what) => process.stdout.write(JSON.stringify(what) + "\n"),
});
process.exit(0);
