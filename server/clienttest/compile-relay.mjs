// node compile-relay.mjs FOLDER SCHEMA: compiles the documents of documents.mjs, and fragments as Relay has them, with
// relay-compiler. The artifacts are in FOLDER/__generated__, and the documents by their hashes in FOLDER/documents.json.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { documents } from "./documents.mjs";

const [folder, schema] = process.argv.slice(2);

const fragments = [
  `fragment documents_scenario on Scenario @refetchable(queryName: "documentsRefetchQuery") { __typename id recordId title status }`,
  `fragment documents_stakeholders on Query
    @refetchable(queryName: "documentsStakeholdersQuery")
    @argumentDefinitions(first: {type: "Int"}, after: {type: "Cursor"}, last: {type: "Int"}, before: {type: "Cursor"}) {
    stakeholders(first: $first, after: $after, last: $last, before: $before) @connection(key: "documents_stakeholders") {
      edges { node { id key } }
    }
  }`,
];

const tagged = [...Object.values(documents), ...fragments].map((text) => `graphql\`${text}\`;`);
writeFileSync(join(folder, "documents.js"), tagged.join("\n"));
const config = join(folder, "relay.config.json");
writeFileSync(
  config,
  JSON.stringify({
    src: ".",
    schema,
    language: "javascript",
    eagerEsModules: false, // Node imports no modules without their extension
    artifactDirectory: "./__generated__",
    persistConfig: { file: "./documents.json", algorithm: "SHA256" },
    customScalarTypes: { Time: "string", Cursor: "string" },
  }),
);
writeFileSync(join(folder, "documents.json"), "{}");
mkdirSync(join(folder, "__generated__"));
const compiler = createRequire(import.meta.url)("relay-compiler");
execFileSync(compiler, [config], { cwd: dirname(config), stdio: "inherit" });
