// Starts GraphiQL with what the server put in the page's "config" element.
'use strict';
(() => {
  const place = document.getElementById('playground');
  const config = JSON.parse(document.getElementById('config').textContent);

  // A file of ours did not arrive: leave the page's sentence about it standing.
  if (!window.React || !window.ReactDOM || !window.GraphiQL) return;

  const url = new URL(config.endpoint, location.href);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const fetcher = GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href });

  // A name of our own keeps our tabs apart from those of another GraphiQL that
  // once ran on the same host and port, as happens on a developer's machine.
  let storage = GraphiQL.createLocalStorage({ namespace: 'parley' });
  try {
    // What GraphiQL itself stores as "the open tab's query and variables". On a
    // first visit it does not take them from defaultTabs: it would leave out
    // the first tab's variables and, on the next visit, add an empty tab.
    if (!storage.getItem('graphiql:tabState') && config.tabs.length) {
      storage.setItem('graphiql:query', config.tabs[0].query);
      storage.setItem('graphiql:variables', config.tabs[0].variables);
    }
  } catch {
    storage = null; // the browser refuses storage: nothing is remembered
  }

  const logo = React.createElement(GraphiQL.Logo, null, 'Parley');
  const graphiql = React.createElement(GraphiQL, {
    fetcher,
    storage,
    defaultTabs: config.tabs.length ? config.tabs : undefined,
    // The headers can hold a token; it should not outlive the page.
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
  }, logo);
  ReactDOM.createRoot(place).render(graphiql);
})();
