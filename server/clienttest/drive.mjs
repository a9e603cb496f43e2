// Lets the test that started this script control a client. Commands arrive as lines of JSON, and results are written as such.
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

export const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

export function drive(client) {
  const leave = {};
  const commands = {
    // Sends one operation and reports all its results.
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
    // Subscribes from a cursor. When the client subscribes again, it resumes after the last change that it received.
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
    // Like a machine that sleeps: the process does nothing until a file exists.
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

// A short wait before the next attempt, for tests.
export const shortly = () => new Promise((again) => setTimeout(again, 20));
