package parley

import "slices"

// ScenarioStatus is a status in the life cycle of a scenario.
type ScenarioStatus string

// The statuses. The first seven are the main path, in order.
const (
	Floated           ScenarioStatus = "FLOATED"
	Proposed          ScenarioStatus = "PROPOSED"
	UnderNegotiation  ScenarioStatus = "UNDER_NEGOTIATION"
	AgreedInPrinciple ScenarioStatus = "AGREED_IN_PRINCIPLE"
	Agreed            ScenarioStatus = "AGREED"
	InImplementation  ScenarioStatus = "IN_IMPLEMENTATION"
	Implemented       ScenarioStatus = "IMPLEMENTED"

	Stalled    ScenarioStatus = "STALLED"
	Rejected   ScenarioStatus = "REJECTED"
	Withdrawn  ScenarioStatus = "WITHDRAWN"
	Collapsed  ScenarioStatus = "COLLAPSED"
	Superseded ScenarioStatus = "SUPERSEDED"
)

var mainPath = []ScenarioStatus{
	Floated, Proposed, UnderNegotiation, AgreedInPrinciple, Agreed, InImplementation, Implemented,
}

// StatusRule lists the statuses that may follow one status.
type StatusRule struct {
	Status      ScenarioStatus
	Transitions []ScenarioStatus
}

// Initial reports whether the status may be a scenario's first. Observers may arrive midway, so any status may, except
// Superseded, which needs a successor.
func (r StatusRule) Initial() bool { return r.Status != Superseded }

// Terminal reports whether no status may follow.
func (r StatusRule) Terminal() bool { return len(r.Transitions) == 0 }

// Lifecycle is the life cycle of scenarios: each status with those that may follow it. Along the main path a scenario
// may skip statuses, because observers miss some.
var Lifecycle = []StatusRule{
	{Floated, join(later(Floated), Stalled, Rejected, Withdrawn, Superseded)},
	{Proposed, join(later(Proposed), Stalled, Rejected, Withdrawn, Superseded)},
	{UnderNegotiation, join(later(UnderNegotiation), Proposed, Stalled, Rejected, Withdrawn, Superseded)},
	{AgreedInPrinciple, join(later(AgreedInPrinciple),
		UnderNegotiation, Stalled, Rejected, Withdrawn, Collapsed, Superseded)},
	{Agreed, join(later(Agreed), Stalled, Collapsed, Superseded)},
	{InImplementation, join(later(InImplementation), Stalled, Collapsed, Superseded)},
	{Implemented, join(nil, Collapsed)},
	{Stalled, join(nil, Proposed, UnderNegotiation, AgreedInPrinciple, Agreed, InImplementation,
		Rejected, Withdrawn, Collapsed, Superseded)},
	{Rejected, join(nil, Proposed, UnderNegotiation, Superseded)},
	{Withdrawn, join(nil, Proposed, UnderNegotiation, Superseded)},
	{Collapsed, join(nil, Proposed, UnderNegotiation, Superseded)},
	{Superseded, nil},
}

// ScenarioStatuses lists every ScenarioStatus.
var ScenarioStatuses = func() (all []ScenarioStatus) {
	for _, rule := range Lifecycle {
		all = append(all, rule.Status)
	}
	return all
}()

// Rule returns the rule for the status.
func (s ScenarioStatus) Rule() StatusRule {
	i := slices.IndexFunc(Lifecycle, func(r StatusRule) bool { return r.Status == s })
	if i < 0 {
		return StatusRule{Status: s}
	}
	return Lifecycle[i]
}

// CanBecome reports whether next may follow s.
func (s ScenarioStatus) CanBecome(next ScenarioStatus) bool {
	return slices.Contains(s.Rule().Transitions, next)
}

// skipped returns the statuses of the main path between two statuses on it; nil if one is not on it, or to does not
// follow from.
func skipped(from, to ScenarioStatus) []ScenarioStatus {
	i, j := slices.Index(mainPath, from), slices.Index(mainPath, to)
	if i < 0 || j <= i {
		return nil
	}
	return mainPath[i+1 : j]
}

func later(s ScenarioStatus) []ScenarioStatus { return mainPath[slices.Index(mainPath, s)+1:] }

func join(list []ScenarioStatus, more ...ScenarioStatus) []ScenarioStatus {
	return append(slices.Clone(list), more...)
}
