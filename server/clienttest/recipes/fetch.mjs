// A page needs no library at all.
export function connect(url) {
  return {
    // ask sends a query or a mutation.
    async ask(query, variables) {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = await response.json();
      if (errors) throw errors;
      return data;
    },
    // follow calls heard with each change. The browser resumes after the last one by itself.
    follow(query, variables, heard) {
      const source = new EventSource(`${url}?${new URLSearchParams({ query, variables: JSON.stringify(variables) })}`);
      source.addEventListener("next", ({ data }) => heard(JSON.parse(data).data));
      source.addEventListener("complete", () => source.close());
      return () => source.close();
    },
  };
}
