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
    // follow calls heard with each change, and goes on after the last one when the connection is lost.
    follow(query, variables, heard, failed = console.error) {
      const asked = { ...variables };
      let source, retry;
      const open = () => {
        source = new EventSource(`${url}?${new URLSearchParams({ query, variables: JSON.stringify(asked) })}`);
        source.addEventListener("next", (event) => {
          const { data, errors } = JSON.parse(event.data);
          asked.after = event.lastEventId || asked.after;
          errors ? failed(errors) : heard(data);
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
    },
  };
}
