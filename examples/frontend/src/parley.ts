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

// follow calls heard with each change, and goes on after the last one when the connection is lost.
export function follow<Data, Variables extends { after?: string | null }>(
  document: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  heard: (data: Data) => void,
  failed: (errors: unknown) => void,
): () => void {
  const asked = { ...variables };
  let source: EventSource;
  let retry: ReturnType<typeof setTimeout>;
  const open = () => {
    source = new EventSource(`${url}?${new URLSearchParams({ query: print(document), variables: JSON.stringify(asked) })}`);
    source.addEventListener("next", (event) => {
      const { data, errors } = JSON.parse(event.data);
      asked.after = event.lastEventId || asked.after;
      if (errors) failed(errors);
      else heard(data);
    });
    source.addEventListener("complete", () => source.close());
    // The browser connects again by itself, except after an error such as a proxy's while the server restarts.
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, 3000);
    });
  };
  open();
  return () => {
    source.close();
    clearTimeout(retry);
  };
}
