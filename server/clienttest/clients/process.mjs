// A client in another language: a process that gets operations as lines of JSON, and answers in such lines.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { documents } from "../documents.mjs";

export const running = (command, ...args) => (url) => {
  const child = spawn(command, [...args, url], { stdio: ["pipe", "pipe", "inherit"] });
  const hear = new Map(); // by the number of the operation
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, ...answer } = JSON.parse(line);
    hear.get(id)(answer);
  });
  const send = (name, variables, follow, heard) => {
    const id = hear.size;
    hear.set(id, heard);
    child.stdin.write(JSON.stringify({ id, name, query: documents[name], variables, follow }) + "\n");
  };
  const ask = (name, variables = {}) =>
    new Promise((resolve, reject) =>
      send(name, variables, false, ({ data, errors }) => (errors ? reject(errors) : resolve(data))),
    );
  return {
    ask,
    write: ask,
    follow(name, variables, heard) {
      let listening = true;
      send(name, variables, true, ({ data }) => listening && heard(data));
      return () => (listening = false);
    },
    code: ([error]) => error.extensions.code,
  };
};
