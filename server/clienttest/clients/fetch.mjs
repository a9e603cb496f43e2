import { connect } from "../recipes/fetch.mjs";
import { plain } from "./plain.mjs";

export const make = plain(connect);
