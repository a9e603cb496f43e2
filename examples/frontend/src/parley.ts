import { print } from "@0no-co/graphql.web";
import type { TadaDocumentNode } from "gql.tada";

const url: string = import.meta.env.VITE_PARLEY ?? "http://127.0.0.1:8080/graphql";

// ask sends a query or a mutation.
export async function ask<Data, Variables>(document: TadaDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map((e: { message: string }) => e.message).join("\n"));
  return data;
}

// follow calls heard with each change. After an outage the browser goes on after the last one by itself.
export function follow<Data, Variables>(
  document: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  heard: (data: Data) => void,
): () => void {
  const asked = new URLSearchParams({ query: print(document), variables: JSON.stringify(variables) });
  const source = new EventSource(`${url}?${asked}`);
  source.addEventListener("next", ({ data }) => heard(JSON.parse(data).data));
  source.addEventListener("complete", () => source.close());
  return () => source.close();
}
