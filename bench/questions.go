package main

import (
	"context"
	"database/sql"
)

// question is asked of Parley as a document, and of the bare handler by its number.
type question struct {
	number   int
	name     string
	document string
	// statement makes PostgreSQL build the same bytes that Parley answers. It concatenates text: JSON functions are
	// slower, and those that put spaces after colons would produce other bytes.
	statement string
	// ids selects the ids that can be asked about; empty if the question has no argument.
	ids string
}

var questions = []question{
	{
		number: 1, name: "a scenario in full", ids: scenarioIDs,
		document: `query($id: ID!) { scenario(id: $id) { title status issue { title }
			positions(first: 50) { nodes { stance confidence rationale validFrom holder { name kind } } } } }`,
		statement: `
			SELECT '{"data":{"scenario":{"title":' || to_json(s.title) || ',"status":"' || c.to_status ||
				'","issue":{"title":' || to_json(i.title) || '},"positions":{"nodes":[' || p.nodes || ']}}}}'
			FROM scenarios s
			JOIN ` + statusInForce + `
			JOIN issues i ON i.id = s.issue_id AND i.superseded_at = 'infinity'
			CROSS JOIN LATERAL (
				SELECT coalesce(string_agg(json, ','), '') AS nodes
				FROM (
					SELECT '{"stance":"' || p.stance || '","confidence":"' || p.confidence ||
						'","rationale":' || coalesce(to_json(p.rationale)::text, 'null') ||
						',"validFrom":' || ` + instant("p.valid_from") + ` ||
						',"holder":{"name":' || to_json(h.name) || ',"kind":"' || h.kind || '"}}' AS json
					FROM positions p
					JOIN stakeholders h ON h.id = p.holder_id AND h.superseded_at = 'infinity'
					WHERE p.scenario_id = s.id AND ` + positionInForce + `
					ORDER BY p.valid_from DESC, p.id DESC
					LIMIT 50
				) node
			) p
			WHERE s.id = $1::uuid AND s.superseded_at = 'infinity'`,
	},
	{
		number: 2, name: "a negotiation's tree", ids: negotiationIDs,
		document: `query($id: ID!) { negotiation(id: $id) { title issues { title
			scenarios(first: 4) { nodes { title status
				statusHistory(first: 3) { nodes { from to reason effectiveAt } }
				positions(first: 10) { nodes { stance holder { name } } } } } } } }`,
		statement: `
			SELECT '{"data":{"negotiation":{"title":' || to_json(n.title) || ',"issues":[' || i.list || ']}}}'
			FROM negotiations n
			CROSS JOIN LATERAL (
				SELECT coalesce(string_agg(json, ','), '') AS list
				FROM (
					SELECT '{"title":' || to_json(i.title) || ',"scenarios":{"nodes":[' || s.nodes || ']}}' AS json
					FROM issues i
					CROSS JOIN LATERAL (
						SELECT coalesce(string_agg(json, ','), '') AS nodes
						FROM (
							SELECT '{"title":' || to_json(s.title) || ',"status":"' || c.to_status ||
								'","statusHistory":{"nodes":[' || m.nodes ||
								']},"positions":{"nodes":[' || p.nodes || ']}}' AS json
							FROM scenarios s
							JOIN ` + statusInForce + `
							CROSS JOIN LATERAL (
								SELECT coalesce(string_agg(json, ','), '') AS nodes
								FROM (
									SELECT '{"from":' || coalesce('"' || m.from_status || '"', 'null') ||
										',"to":"' || m.to_status ||
										'","reason":' || coalesce(to_json(m.reason)::text, 'null') ||
										',"effectiveAt":' || ` + instant("m.effective_at") + ` || '}' AS json
									FROM status_changes m
									WHERE m.scenario_id = s.id AND m.superseded_at = 'infinity'
									ORDER BY m.effective_at, m.id
									LIMIT 3
								) node
							) m
							CROSS JOIN LATERAL (
								SELECT coalesce(string_agg(json, ','), '') AS nodes
								FROM (
									SELECT '{"stance":"' || p.stance ||
										'","holder":{"name":' || to_json(h.name) || '}}' AS json
									FROM positions p
									JOIN stakeholders h ON h.id = p.holder_id AND h.superseded_at = 'infinity'
									WHERE p.scenario_id = s.id AND ` + positionInForce + `
									ORDER BY p.valid_from DESC, p.id DESC
									LIMIT 10
								) node
							) p
							WHERE s.issue_id = i.id AND s.superseded_at = 'infinity'
							ORDER BY s.path
							LIMIT 4
						) node
					) s
					WHERE i.negotiation_id = n.id AND i.superseded_at = 'infinity'
					ORDER BY i.path
				) entry
			) i
			WHERE n.id = $1::uuid AND n.superseded_at = 'infinity'`,
	},
	{
		number: 3, name: "the latest moves",
		document: `{ statusChanges(first: 100) { nodes {
			from to effectiveAt scenario { title negotiation { title } } } } }`,
		statement: `
			SELECT '{"data":{"statusChanges":{"nodes":[' || coalesce(string_agg(json, ','), '') || ']}}}'
			FROM (
				SELECT '{"from":' || coalesce('"' || m.from_status || '"', 'null') || ',"to":"' || m.to_status ||
					'","effectiveAt":' || ` + instant("m.effective_at") + ` ||
					',"scenario":{"title":' || to_json(s.title) ||
					',"negotiation":{"title":' || to_json(n.title) || '}}}' AS json
				FROM status_changes m
				JOIN scenarios s ON s.id = m.scenario_id AND s.superseded_at = 'infinity'
				JOIN negotiations n ON n.id = s.negotiation_id AND n.superseded_at = 'infinity'
				WHERE m.superseded_at = 'infinity'
				ORDER BY m.effective_at DESC, m.id DESC
				LIMIT 100
			) node`,
	},
	{
		number: 4, name: "a stakeholder's record", ids: stakeholderIDs,
		document: `query($id: ID!) { stakeholder(id: $id) { name
			positions(first: 100) { nodes { stance validFrom scenario { title } evidence { source { title } } } } } }`,
		// Every position in the data has exactly one statement as evidence.
		statement: `
			SELECT '{"data":{"stakeholder":{"name":' || to_json(h.name) ||
				',"positions":{"nodes":[' || p.nodes || ']}}}}'
			FROM stakeholders h
			CROSS JOIN LATERAL (
				SELECT coalesce(string_agg(json, ','), '') AS nodes
				FROM (
					SELECT '{"stance":"' || p.stance || '","validFrom":' || ` + instant("p.valid_from") + ` ||
						',"scenario":{"title":' || to_json(s.title) ||
						'},"evidence":[{"source":{"title":' || to_json(g.title) || '}}]}' AS json
					FROM positions p
					JOIN scenarios s ON s.id = p.scenario_id AND s.superseded_at = 'infinity'
					JOIN statements e ON e.id = p.evidence[1] AND e.superseded_at = 'infinity'
					JOIN sources g ON g.id = e.source_id AND g.superseded_at = 'infinity'
					WHERE p.holder_id = h.id AND ` + positionInForce + `
					ORDER BY p.valid_from DESC, p.id DESC
					LIMIT 100
				) node
			) p
			WHERE h.id = $1::uuid AND h.superseded_at = 'infinity'`,
	},
	{
		number: 5, name: "one title", ids: scenarioIDs,
		document: `query($id: ID!) { scenario(id: $id) { title status } }`,
		statement: `
			SELECT '{"data":{"scenario":{"title":' || to_json(s.title) || ',"status":"' || c.to_status || '"}}}'
			FROM scenarios s
			JOIN ` + statusInForce + `
			WHERE s.id = $1::uuid AND s.superseded_at = 'infinity'`,
	},
}

const (
	negotiationIDs = `SELECT id FROM negotiations WHERE superseded_at = 'infinity' ORDER BY id`
	scenarioIDs    = `SELECT id FROM scenarios WHERE superseded_at = 'infinity' ORDER BY id`
	stakeholderIDs = `SELECT id FROM stakeholders WHERE superseded_at = 'infinity' ORDER BY id`

	statusInForce = `status_changes c ON c.scenario_id = s.id AND c.superseded_at = 'infinity' ` +
		`AND c.effective_at <= now() AND c.valid_to > now()`
	positionInForce = `p.superseded_at = 'infinity' AND p.valid_from <= now() AND p.valid_to > now()`
)

// instant returns SQL that formats a column as Parley does, in quotes.
func instant(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', '"\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\""')`
}

// readIDs returns the ids that can be asked about; a single empty id if the question has no argument.
func (q question) readIDs(ctx context.Context, db *sql.DB) (ids []string, err error) {
	if q.ids == "" {
		return []string{""}, nil
	}
	rows, err := db.QueryContext(ctx, q.ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
