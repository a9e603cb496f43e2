import { connect } from "../recipes/graphql-sse.mjs";
import { plain } from "./plain.mjs";

export const make = plain(connect);
