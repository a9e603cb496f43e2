import { connect } from "../recipes/graphql-ws.mjs";
import { plain } from "./plain.mjs";

export const make = plain(connect);
