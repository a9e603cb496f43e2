import { running } from "./process.mjs";

export const make = running(process.env.GENQLIENT);
