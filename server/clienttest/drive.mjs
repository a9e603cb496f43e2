// Lets the test that started this script work a client: commands come as lines of JSON, and what happens is told as such.
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

export const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

export function drive(client) {
  const leave = {};
  const commands = {
    // One operation: all that becomes of it.
    ask({ name, query }) {
      client.subscribe(
        { query },
        {
          next: (answer) => tell({ name, answer }),
          error: (errors) => tell({ name, errors }),
          complete: () => tell({ name, complete: true }),
        },
      );
    },
    // A subscription, from a cursor. Whenever the client begins it anew, it goes on after the last change it had.
    follow({ name, query, after }) {
      const variables = { after };
      leave[name] = client.subscribe(
        { query, variables },
        {
          next({ data, errors }) {
            if (errors) return tell({ name, errors });
            const { cursor } = Object.values(data)[0];
            variables.after = cursor;
            tell({ name, cursor });
          },
          error: (errors) => tell({ name, errors }),
          complete: () => tell({ name, complete: true }),
        },
      );
    },
    leave: ({ name }) => leave[name](),
    // As when a machine sleeps: nothing is done until a file is there.
    freeze({ until }) {
      while (!existsSync(until)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    },
  };
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const { command, ...its } = JSON.parse(line);
      commands[command](its);
    })
    .on("close", () => client.dispose());
}

// Soon enough for a test.
export const shortly = () => new Promise((again) => setTimeout(again, 20));
