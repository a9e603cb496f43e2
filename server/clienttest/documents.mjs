// The documents of exam.mjs. Relay wants operations to be named after their file.
const scenario = `__typename id recordId title status`;

export const documents = {
  moments: `query documentsMomentsQuery {
    now: scenario(id: "talks/line") { ${scenario} }
    then: scenario(id: "talks/line", asOf: {validAt: "2025-01-15T00:00:00Z"}) { ${scenario} }
  }`,
  history: `query documentsHistoryQuery {
    scenario(id: "talks/line") { id positionHistory(includeSuperseded: true) { nodes { id recordId stance } } }
  }`,
  change: `query documentsChangeQuery {
    changes(last: 1, filter: {kinds: [POSITION]}) {
      nodes { recordId ... on PositionChanged { position { id stance } previous { id stance } } }
    }
  }`,
  page: `query documentsPageQuery($first: Int, $after: Cursor, $last: Int, $before: Cursor) {
    stakeholders(first: $first, after: $after, last: $last, before: $before) {
      nodes { id key }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`,
  nodes: `query documentsNodesQuery($ids: [ID!]!) { nodes(ids: $ids) { __typename id recordId ... on Scenario { title status } } }`,
  node: `query documentsNodeQuery($id: ID!) { node(id: $id) { __typename id recordId ... on Scenario { title status } } }`,
  edit: `mutation documentsEditMutation($input: EditScenarioInput!) {
    editScenario(input: $input) {
      scenario { ${scenario} } userErrors { code message field } query { scenarios { totalCount } }
    }
  }`,
  persisted: `query documentsPersistedQuery { negotiations { nodes { id title } } }`,
  after: `query documentsAfterQuery($after: Cursor) { changes(after: $after) { nodes { summary } } }`,
  changes: `subscription documentsChangesSubscription($after: Cursor) { changes(after: $after) { cursor recordId recordType } }`,
};
