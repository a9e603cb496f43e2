// Puts a client through what a frontend needs, feature by feature, and tells what is wrong.

export const features = {
  // Two moments of one record are on the screen; an edit changes the present one alone.
  async "cache across lenses"({ client }) {
    const { now, then } = await client.ask("moments");
    same([now.status, then.status], ["STALLED", "PROPOSED"]);
    const shown = await client.shown("moments");
    same([shown.now.status, shown.then.status], ["STALLED", "PROPOSED"]);
    await client.write("edit", { input: titled("A line, edited") });
    const edited = await client.shown("moments");
    same([edited.now.title, edited.then.title], ["A line, edited", "A line"]);
  },

  // Every version of a fact in a list, and the versions before and after a change.
  async "history lists"({ client }) {
    const look = client.shown ?? client.ask;
    await client.ask("history");
    const { scenario } = await look("history");
    same(scenario.positionHistory.nodes.map((p) => p.stance), ["SUPPORTS", "NEUTRAL", "OPPOSES"]);
    await client.ask("change");
    const { changes } = await look("change");
    same([changes.nodes[0].previous.stance, changes.nodes[0].position.stance], ["NEUTRAL", "OPPOSES"]);
  },

  // A change by somebody else is heard of, and what it names is fetched again: that updates what is on the screen.
  async live({ client, others }) {
    const { now } = await client.ask("moments");
    const heard = await listen(client, others);
    const made = await others.edit("A line, by others");
    await until(() => heard.length === 1);
    same(heard[0], { cursor: made.cursor, recordId: now.recordId, recordType: "Scenario" });
    const { nodes } = await client.ask("nodes", { ids: [heard[0].recordId] });
    same(nodes[0].title, "A line, by others");
    if (client.shown) same((await client.shown("moments")).now.title, "A line, by others");
    heard.stop();
  },

  async "resume after a cut"({ client, others, network }) {
    const heard = await listen(client, others);
    const made = [(await others.edit("Before the cut")).cursor];
    await until(() => heard.length === 1);
    await network("cut");
    for (const title of ["First in the cut", "Second in the cut", "Third in the cut"]) made.push((await others.edit(title)).cursor);
    await network("restore");
    await sameAfter(heard, made, others);
  },

  async "resume after a restart"({ client, others, network }) {
    const heard = await listen(client, others);
    const made = [(await others.edit("Before the restart")).cursor];
    await until(() => heard.length === 1);
    await network("restart");
    for (const title of ["First after the restart", "Second after the restart"]) made.push((await others.edit(title)).cursor);
    await sameAfter(heard, made, others);
  },

  async "paging both ways"({ client, others }) {
    const whole = (await others.ask("page", { first: 500 })).stakeholders.nodes.map((s) => s.key);
    const turn = client.turn ?? turning(client);
    same(await turn({ first: 2 }), whole);
    same(await turn({ last: 2 }), whole);
  },

  // The hash alone suffices: of documents that the server trusts, always; of others, from the second time on.
  async "persisted documents"({ client, sent }) {
    sent.length = 0;
    await client.ask("persisted");
    same(sent, client.trusted ? ["hash"] : ["hash", "hash and document"]);
    sent.length = 0;
    await client.ask("persisted");
    same(sent, ["hash"]);
  },

  async refetch({ client, others }) {
    const { now, then } = await client.ask("moments");
    await others.edit("A line, to be fetched again");
    const refetch = client.refetch ?? (async (id) => (await client.ask("node", { id })).node);
    same(await refetch(now.id), { ...now, title: "A line, to be fetched again" });
    same((await refetch(then.id)).status, then.status);
    if (client.shown) same((await client.shown("moments")).now.title, "A line, to be fetched again");
  },

  // Refusals of input are data; errors have a code.
  async "typed errors"({ client }) {
    const { editScenario } = await client.write("edit", { input: titled("") });
    same([editScenario.scenario, editScenario.userErrors[0].code, editScenario.userErrors[0].field], [null, "INVALID", ["title"]]);
    try {
      await client.ask("after", { after: "nonsense" });
    } catch (e) {
      same(client.code(e), "BAD_CURSOR");
      return;
    }
    throw new Error("a cursor that is none is accepted");
  },

  // A client that sends null for what is left out empties nothing.
  async "partial edits"({ client, others }) {
    await others.query(`mutation { editScenario(input: {scenario: "talks/line", summary: "Along the river"}) { cursor } }`);
    await client.write("edit", { input: { ...titled("A line, and its summary"), summary: null, criteria: null, clear: null } });
    const { scenario } = await others.query(`{ scenario(id: "talks/line") { title summary } }`);
    same(scenario, { title: "A line, and its summary", summary: "Along the river" });
  },

  // What is hoped for is on the screen at once; it gives way to what was recorded, or goes if that is refused.
  async "optimistic write"({ client }) {
    const { now } = await client.ask("moments");
    const hope = (title) => ({
      editScenario: {
        __typename: "ScenarioPayload",
        scenario: { ...now, title },
        userErrors: [],
        query: { __typename: "Query", scenarios: { __typename: "ScenarioConnection", totalCount: 2 } },
      },
    });
    let done = client.write("edit", { input: titled("Recorded") }, hope("Hoped for"));
    await until(async () => (await client.shown("moments")).now.title === "Hoped for");
    same((await done).editScenario.query.scenarios.totalCount, 2);
    same((await client.shown("moments")).now.title, "Recorded");
    done = client.write("edit", { input: titled("") }, hope("Hoped in vain"));
    await until(async () => (await client.shown("moments")).now.title === "Hoped in vain");
    await done;
    await until(async () => (await client.shown("moments")).now.title === "Recorded");
  },
};

const titled = (title) => ({ scenario: "talks/line", title });

// examine tries features of a client, and tells of each.
export async function examine(make, { url, others, network, tell, tried }) {
  const sent = []; // of each request: whether it had the hash of the document, or the document, or both
  const plain = globalThis.fetch;
  globalThis.fetch = (at, options = {}) => {
    const { query, extensions } = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(at).searchParams);
    sent.push([extensions && "hash", query && "document"].filter(Boolean).join(" and "));
    return plain(at, options);
  };
  const client = await make(url);
  for (const feature of tried) {
    try {
      const late = new Promise((_, reject) => setTimeout(() => reject(new Error("it takes more than 30 seconds")), 30_000));
      await Promise.race([late, features[feature]({ client, others: others(plain), network, sent })]);
      await tell({ feature });
    } catch (e) {
      await tell({ feature, wrong: `${e?.stack ?? JSON.stringify(e)}` });
    }
  }
}

// listen subscribes from now on, and returns a list that grows.
async function listen(client, others) {
  const heard = [];
  const { lens } = await others.query(`{ lens { cursor } }`);
  heard.stop = await client.follow("changes", { after: lens.cursor }, ({ changes: { cursor, recordId, recordType } }) =>
    heard.push({ cursor, recordId, recordType }),
  );
  return heard;
}

// sameAfter expects the changes that were made, and one more, each once.
async function sameAfter(heard, made, others) {
  const last = (await others.edit("The last one")).cursor;
  await until(() => heard.at(-1)?.cursor === last);
  same(heard.map((c) => c.cursor), [...made, last]);
  heard.stop();
}

// turning reads a list to its end, or from its end to its beginning, page by page.
const turning = (client) => async (size) => {
  let keys = [];
  for (let at = {}; at; ) {
    const { nodes, pageInfo } = (await client.ask("page", { ...size, ...at })).stakeholders;
    const page = nodes.map((s) => s.key);
    keys = size.first ? [...keys, ...page] : [...page, ...keys];
    if (size.first) at = pageInfo.hasNextPage && { after: pageInfo.endCursor };
    else at = pageInfo.hasPreviousPage && { before: pageInfo.startCursor };
  }
  return keys;
};

export async function until(isSo) {
  for (const end = Date.now() + 25_000; !(await isSo()); ) {
    if (Date.now() > end) throw new Error(`waited in vain until ${isSo}`);
    await new Promise((again) => setTimeout(again, 10));
  }
}

function same(got, want) {
  const sorted = (v) =>
    v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v;
  const [a, b] = [got, want].map((v) => JSON.stringify(sorted(v)));
  if (a !== b) throw new Error(`it is ${a}, not ${b}`);
}

// The other analyst, who writes at the second server.
export const othersAt = (url, documents) => (fetch) => {
  const query = async (query, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  return {
    query,
    ask: (name, variables) => query(documents[name], variables),
    edit: async (title) =>
      (
        await query(`mutation ($title: String!) { editScenario(input: {scenario: "talks/line", title: $title}) { cursor } }`, {
          title,
        })
      ).editScenario,
  };
};
