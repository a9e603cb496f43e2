import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema.d.ts";

// graphql reads documents, with the types that the schema gives to what they ask for.
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { Time: string; Cursor: string };
}>();
