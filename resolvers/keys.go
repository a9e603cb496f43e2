package resolvers

import (
	"example.org/parley"
	"example.org/parley/storage"
)

// The key of an object asks for what belongs to the object; the key of a position asks for what belongs to that
// version.

func negotiationKey(n *parley.Negotiation) storage.Key { return at(n.Lens, &n.ID) }
func issueKey(i *parley.Issue) storage.Key             { return at(i.Lens, &i.ID) }
func scenarioKey(s *parley.Scenario) storage.Key       { return at(s.Lens, &s.ID) }
func stakeholderKey(s *parley.Stakeholder) storage.Key { return at(s.Lens, &s.ID) }
func sourceKey(s *parley.Source) storage.Key           { return at(s.Lens, &s.ID) }
func positionKey(p *parley.Position) storage.Key       { return at(p.Lens, &p.Version) }

// lifecycle is parley.Lifecycle in the form that the API returns.
var lifecycle = func() []*parley.StatusRule {
	rules := make([]*parley.StatusRule, len(parley.Lifecycle))
	for i := range parley.Lifecycle {
		rules[i] = &parley.Lifecycle[i]
	}
	return rules
}()

func lensKey(l *parley.Lens) storage.Key { return storage.Key{Lens: *l} }

// versionOf returns the key of the version of a position, to be read through a lens. A nil position finds nothing.
func versionOf(p *parley.Position, lens parley.Lens) storage.Key {
	if p == nil {
		return storage.Key{Lens: lens}
	}
	return storage.Key{ID: p.Version, Lens: lens}
}

// ownVersion is versionOf for a position that is read through its own lens.
func ownVersion(p *parley.Position) storage.Key {
	if p == nil {
		return storage.Key{}
	}
	return versionOf(p, p.Lens)
}

// hadNoBody reports whether no body was on record of a source: one may have been supplied since.
func hadNoBody(o *parley.Source) bool { return o.ContentHash == nil }
