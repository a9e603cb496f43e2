// Starts GraphiQL with the configuration in the page's "config" element.
'use strict';
(() => {
  const place = document.getElementById('playground');
  const config = JSON.parse(document.getElementById('config').textContent);

  // A script did not load: keep the notice in the page.
  if (!window.React || !window.ReactDOM || !window.GraphiQL) return;

  const url = new URL(config.endpoint, location.href);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const fetcher = GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href });

  // The namespace keeps the tabs apart from those of another GraphiQL on the same
  // host and port, as on a developer's machine.
  let storage = GraphiQL.createLocalStorage({ namespace: 'parley' });
  try {
    // GraphiQL stores the open tab's query and variables under these names. On a
    // first visit it does not take them from defaultTabs: it would omit the
    // first tab's variables and, on the next visit, add an empty tab.
    if (!storage.getItem('graphiql:tabState') && config.tabs.length) {
      storage.setItem('graphiql:query', config.tabs[0].query);
      storage.setItem('graphiql:variables', config.tabs[0].variables);
    }
  } catch {
    storage = null; // the browser refuses storage, so tabs are not stored
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
