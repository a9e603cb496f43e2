import { running } from "./process.mjs";

export const make = running("python3", new URL("python.py", import.meta.url).pathname);
