package parley

import "slices"

// ScenarioStatus is where a scenario stands in its life.
type ScenarioStatus string

// The statuses: first the main path in order, then what lies beside it.
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

var mainPath = []ScenarioStatus{Floated, Proposed, UnderNegotiation, AgreedInPrinciple, Agreed, InImplementation, Implemented}

// StatusRule says what a scenario may do from one status.
type StatusRule struct {
	Status      ScenarioStatus
	Transitions []ScenarioStatus
}

// Initial says whether a scenario may come on the table with this status: observers arrive midway, so any will do but
// one that speaks of a successor.
func (r StatusRule) Initial() bool { return r.Status != Superseded }

// Terminal says that nothing follows.
func (r StatusRule) Terminal() bool { return len(r.Transitions) == 0 }

// Lifecycle is the whole life of a scenario as data: every status with those that may follow it. Along the main path a
// scenario may pass over steps, since observers miss some.
var Lifecycle = []StatusRule{
	{Floated, join(later(Floated), Stalled, Rejected, Withdrawn, Superseded)},
	{Proposed, join(later(Proposed), Stalled, Rejected, Withdrawn, Superseded)},
	{UnderNegotiation, join(later(UnderNegotiation), Proposed, Stalled, Rejected, Withdrawn, Superseded)},
	{AgreedInPrinciple, join(later(AgreedInPrinciple), UnderNegotiation, Stalled, Rejected, Withdrawn, Collapsed, Superseded)},
	{Agreed, join(later(Agreed), Stalled, Collapsed, Superseded)},
	{InImplementation, join(later(InImplementation), Stalled, Collapsed, Superseded)},
	{Implemented, join(nil, Collapsed)},
	{Stalled, join(nil, Proposed, UnderNegotiation, AgreedInPrinciple, Agreed, InImplementation, Rejected, Withdrawn, Collapsed, Superseded)},
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

// Rule is the rule for one status.
func (s ScenarioStatus) Rule() StatusRule {
	i := slices.IndexFunc(Lifecycle, func(r StatusRule) bool { return r.Status == s })
	if i < 0 {
		return StatusRule{Status: s}
	}
	return Lifecycle[i]
}

// CanBecome says whether next may follow s.
func (s ScenarioStatus) CanBecome(next ScenarioStatus) bool {
	return slices.Contains(s.Rule().Transitions, next)
}

// skipped lists the steps of the main path passed over between two statuses on it.
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
